use crate::{
    domain::step::{LeftOut, Step},
    explain::vocabulary::Vocabulary,
};
pub(crate) fn next_step(s: &Step, _: &dyn Vocabulary) -> String {
    s.on(&LeftOut::default()).to_owned()
}
