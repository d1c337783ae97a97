//! `memreel-launch`: starts one engine, and sees to it that nothing of it is left.

fn main() {
    memreel_record::launcher::main();
}
