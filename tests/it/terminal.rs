//! The real program on a pseudo-terminal.
#![cfg(unix)]

use std::{
    fs::{File, OpenOptions},
    io::{Read as _, Write as _},
    process::{Child, Command},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    time::{Duration, Instant},
};

use rustix::{
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Winsize, tcsetwinsize},
};

/// Anything that takes longer hangs.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A program on a terminal of 80 columns.
pub(crate) struct Terminal {
    child: Child,
    keyboard: File,
    screen: Receiver<Vec<u8>>,
    shown: Vec<u8>,
}

impl Terminal {
    pub(crate) fn start(mut command: Command) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pseudo-terminal");
        grantpt(&master).expect("it is ours");
        unlockpt(&master).expect("it is ours");
        let name = ptsname(&master, Vec::new()).expect("a name");
        let name = name.to_str().expect("ASCII");
        let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        let line = OpenOptions::new().read(true).write(true).open(name).expect("its other side");
        tcsetwinsize(&line, size).expect("a terminal");
        let end = || line.try_clone().expect("a descriptor");
        let child = command.stdin(end()).stdout(end()).stderr(end()).spawn();
        let child = child.expect("the program starts");
        let keyboard = File::from(master);
        let mut reader = keyboard.try_clone().expect("a descriptor");
        let (sender, screen) = channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // Fails once the last program has left the terminal.
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                if sender.send(bytes[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        // With `line` and `command`, this process leaves the other side of the terminal.
        Self { child, keyboard, screen, shown: Vec::new() }
    }

    pub(crate) fn types(&mut self, text: &str) {
        self.keyboard.write_all(text.as_bytes()).expect("the terminal takes it");
    }

    /// Waits until this is on the screen, after what was waited for before.
    #[track_caller]
    pub(crate) fn shows(&mut self, text: &str) {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            let found = self.shown.windows(text.len()).position(|bytes| bytes == text.as_bytes());
            if let Some(at) = found {
                self.shown.drain(..at + text.len());
                return;
            }
            let wait = deadline.saturating_duration_since(Instant::now());
            let Ok(bytes) = self.screen.recv_timeout(wait) else {
                panic!("no {text:?}: {:?}", String::from_utf8_lossy(&self.shown));
            };
            self.shown.extend(bytes);
        }
    }

    /// All that is shown until the program ends.
    #[track_caller]
    pub(crate) fn until_the_end(mut self) -> String {
        loop {
            match self.screen.recv_timeout(TIMEOUT) {
                Ok(bytes) => self.shown.extend(bytes),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("the program does not end"),
            }
        }
        let status = self.child.wait().expect("a child");
        let shown = String::from_utf8_lossy(&self.shown).replace("\r\n", "\n");
        assert!(status.success(), "{shown}");
        shown
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
