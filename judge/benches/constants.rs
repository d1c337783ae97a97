//! Which constants the verdicts on labelled recordings hang on.

fn main() {}
