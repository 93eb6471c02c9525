//! One test binary; a module for each concern.

mod sandbox;
