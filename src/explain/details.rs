pub(crate) fn mistake(p: &String) -> String {
    p.clone()
}
