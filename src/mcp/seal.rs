//! Seals of approvals, made with a random key of this process.

use std::time::Duration;

use rmcp::model::{RequestStateCodec, RequestStateError, SealOptions};

use crate::app::approval::{BrokenSeal, Seal};

pub(crate) struct ProcessSeal(RequestStateCodec);

impl ProcessSeal {
    /// `None` if this machine provides no random key.
    pub(crate) fn new() -> Option<Self> {
        let mut key = [0_u8; 32];
        getrandom::fill(&mut key).ok()?;
        RequestStateCodec::try_new(key).ok().map(Self)
    }
}

impl Seal for ProcessSeal {
    fn seal(&self, binding: &[u8], valid_for: Duration) -> String {
        let options = SealOptions::new().associated_data(binding).ttl(valid_for);
        self.0.seal_with(&[], &options)
    }

    fn check(&self, sealed: &str, binding: &[u8]) -> Result<(), BrokenSeal> {
        let opened = self.0.open_with(sealed, binding);
        opened.map(drop).map_err(|error| broken(&error))
    }
}

fn broken(error: &RequestStateError) -> BrokenSeal {
    match error {
        RequestStateError::Expired => BrokenSeal::Expired,
        _ => BrokenSeal::Invalid,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rmcp::model::RequestStateError;

    use super::{ProcessSeal, broken};
    use crate::app::approval::{BrokenSeal, Seal as _};

    #[test]
    fn a_seal_holds_for_one_binding_and_one_process() {
        let (one, other) = (ProcessSeal::new().unwrap(), ProcessSeal::new().unwrap());
        let sealed = one.seal(b"token\ndelete a", Duration::from_secs(60));
        assert_eq!(one.check(&sealed, b"token\ndelete a"), Ok(()));
        let invalid = Err(BrokenSeal::Invalid);
        assert_eq!(one.check(&sealed, b"token\ndelete b"), invalid);
        assert_eq!(one.check(&sealed, b"question\ndelete a"), invalid);
        assert_eq!(other.check(&sealed, b"token\ndelete a"), invalid);
        assert_eq!(one.check("forged", b"token\ndelete a"), invalid);
        assert_eq!(broken(&RequestStateError::Expired), BrokenSeal::Expired);
    }
}
