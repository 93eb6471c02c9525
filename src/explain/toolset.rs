use crate::domain::toolset::Problem;
pub(crate) fn problem(p: &Problem) -> String {
    p.to_string()
}
pub(crate) fn warning(p: &String) -> String {
    p.clone()
}
pub(crate) fn difference(p: &String) -> String {
    p.clone()
}
