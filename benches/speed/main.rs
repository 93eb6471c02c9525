//! Micro-benchmarks: `cargo bench`. `benches/side_by_side` measures the program as a whole.

#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up must stop")]

mod call;
mod core;
mod session;

criterion::criterion_group!(benches, core::all, call::all);
criterion::criterion_main!(benches);
