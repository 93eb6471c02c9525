//! What child threads of seeded sessions have been through.

use std::time::Duration;

use super::script::ThreadStep;
use crate::sandbox::session::{Session, command::Judgement};

impl Session {
    /// Records a step of a child thread that happened `seconds` after the session's creation.
    pub(super) fn play_in_thread(&mut self, index: usize, seconds: u64, step: ThreadStep) {
        let at = self.created_at.plus(Duration::from_secs(seconds));
        let later = self.created_at.plus(Duration::from_secs(seconds + 2));
        match step {
            ThreadStep::Agent(text) => {
                self.say_in(index, &text, &mut || at);
                self.end_request_in(index, false, &mut || at);
                self.think_in(index, &mut || later);
            }
            ThreadStep::Tool(used) => {
                let name = used.full_name();
                let Some(call) = self.call_in(index, &name, &used.input, Judgement::Safe) else {
                    return;
                };
                let tool = call.tool;
                let event_id = self.make_call_in(index, call, &mut || at);
                self.end_request_in(index, false, &mut || at);
                match used.result {
                    None => self.wait_in(index, &mut || at),
                    Some(text) => {
                        let (kind, fields) = tool.result_event(&event_id, &text, false);
                        self.record_in(index, kind, later, fields);
                        self.think_in(index, &mut || later);
                    }
                }
            }
            ThreadStep::Report(text) => {
                self.say_in(index, &text, &mut || at);
                self.report_from(index, &text, &mut || at);
            }
        }
        self.updated_at = self.updated_at.max(at);
    }
}
