//! The fuzzer: libFuzzer on the kind of input that `FUZZ_TARGET` names, see `tests/support/inputs.rs`.

#![no_main]

#[path = "../../tests/support/inputs.rs"]
mod inputs;

use std::sync::LazyLock;
use std::time::Duration;

use inputs::{TARGETS, Target};

static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
    let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
    let found = TARGETS.iter().find(|target| target.name == name);
    found.unwrap_or_else(|| panic!("FUZZ_TARGET is `{name}`, not one of {}", names.join(", ")))
});

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let took = TARGET.time(input);
    assert!(took < Duration::from_secs(1), "it takes {took:?} of CPU time");
});
