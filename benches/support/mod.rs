//! What the benches share.

use std::path::Path;

use memreel::engine::{Companions, Found};
use memreel::media::{self, Makers};
use memreel::plan::{self, PlanContext, Variant};
use memreel::scenario::Scenario;
use memreel_record::supervise::Stop;

/// The programs built beside this one: a bench lies one folder deeper.
pub fn companions() -> Companions {
    let this = std::env::current_exe().expect("this program has a path");
    Companions::in_folder(this.parent().and_then(Path::parent).expect("it lies in target/release/deps"))
}

/// The variants of a timeline of so many sources, each seen for so many seconds; the media are made.
pub fn made_variants(sources: u32, seconds: u32, preset: &str) -> Vec<Variant> {
    let context = PlanContext { cpus: 2, media_folder: media::usual_folder(), project: None };
    let variants = plan::plan(&scenario(sources, seconds, preset), &context).variants;
    let found = |program: Found| program.expect("it is built: `make build`");
    let (launcher, exporter) = (found(companions().launcher()), found(companions().exporter()));
    let stop = Stop::default();
    let makers = Makers { launcher: &launcher, exporter: &exporter, at_once: 2, stop: &stop };
    media::make(&makers, &media::missing(&variants), &|_| ()).expect("media");
    variants
}

fn scenario(sources: u32, seconds: u32, preset: &str) -> Scenario {
    let length = seconds.max(2) + 1;
    let text = format!(
        r#"
        version = 1
        question = "How does the exporter compare?"
        [sources.shot]
        generate = {{ count = {sources}, seconds = {length}, size = "1280x720", preset = "{preset}" }}
        [timeline]
        rate = 25
        [[timeline.tracks]]
        children = [{{ clip = "shot", start = 0.52, duration = {seconds} }}]
        [export]
        preset = "ultrafast"
        [matrix]
        engine = ["ffmpeg", "melt"]
        threading = ["single"]
        "#
    );
    Scenario::parse(&text, Path::new("bench.toml"), &[]).expect("the scenario is right")
}
