use std::collections::BTreeMap;
use std::fs;

use super::made_up::{MadeUp, result};
use super::*;
use crate::schema::assert_fits;
use memreel_judge::budget::Figure;
use memreel_trace::Outcome;

/// Two engines; one of them died, another is not there, a third was too short.
fn jobs() -> Vec<MadeUp> {
    let killed = Outcome::killed(9);
    vec![
        MadeUp::new("ffmpeg", "single", |_| 47.0).fps(55.0),
        MadeUp::new("ffmpeg", "parallel", |frame| 88.0 + frame / 1024.0).fps(96.0),
        MadeUp::new("melt", "single", |frame| 100.0 + frame / 10.0).ended(killed, 600),
        MadeUp::new("melt", "parallel", |_| 0.0).unsampled(),
        MadeUp::new("ges", "single", |_| 0.0).not_run("ges-launch-1.0 is not installed"),
    ]
}

fn printed(jobs: &[MadeUp]) -> String {
    printed_after(jobs, |_| ())
}

/// What is printed when this was done to the result's folder first.
fn printed_after(jobs: &[MadeUp], damage: impl Fn(&Path)) -> String {
    printed_within(TableLook::PLAIN.width, jobs, damage)
}

fn printed_within(width: u16, jobs: &[MadeUp], damage: impl Fn(&Path)) -> String {
    let folder = tempfile::tempdir().unwrap();
    result(folder.path(), jobs);
    damage(folder.path());
    let mut out = Vec::new();
    let look = TableLook { width, ..TableLook::PLAIN };
    print(&store::open_result(folder.path()).unwrap(), &mut out, look).unwrap();
    String::from_utf8(out).unwrap()
}

/// Two repeats, of which the second lies in `jobs/melt-single-2`.
fn two_repeats() -> [MadeUp; 2] {
    [1, 2].map(|repeat| MadeUp::new("melt", "single", |_| 5.0).repeat(repeat))
}

/// Keeps so many bytes fewer of the second repeat's samples.
fn shorten_samples(folder: &Path, by: usize) {
    let path = folder.join("jobs/melt-single-2/samples.csv");
    let text = fs::read(&path).unwrap();
    fs::write(&path, &text[..text.len() - by]).unwrap();
}

/// The rows of `summary.csv`, each cell by its column.
fn summary(jobs: &[MadeUp]) -> Vec<BTreeMap<String, String>> {
    let folder = tempfile::tempdir().unwrap();
    let mut csv = Vec::new();
    write_summary(&Report::read(&result(folder.path(), jobs)).unwrap(), &mut csv).unwrap();
    csv::Reader::from_reader(csv.as_slice()).deserialize().collect::<Result<_, _>>().unwrap()
}

/// Every plot as SVG, by its name.
fn svgs(jobs: &[MadeUp]) -> BTreeMap<&'static str, String> {
    let folder = tempfile::tempdir().unwrap();
    let report = Report::read(&result(folder.path(), jobs)).unwrap();
    plot::scenes(&report).map(|(name, scene)| (name, plot::svg::write(&scene).unwrap())).collect()
}

/// Every file that a report consists of, by its name.
fn files(jobs: &[MadeUp]) -> BTreeMap<String, Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let paths = write_all(&result(folder.path(), jobs)).unwrap();
    let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_string();
    [paths.summary].iter().chain(&paths.plots).map(|path| (name(path), fs::read(path).unwrap())).collect()
}

#[test]
fn the_terminal_says_what_was_measured_and_what_was_not() {
    insta::assert_snapshot!(printed(&jobs()));
}

#[test]
fn repeats_are_shown_with_their_spread() {
    let repeats = [
        MadeUp::new("ffmpeg", "single", |_| 47.0).repeat(1),
        MadeUp::new("ffmpeg", "single", |_| 49.0).repeat(2),
        MadeUp::new("ffmpeg", "single", |_| 48.0).repeat(3),
        MadeUp::new("ffmpeg", "parallel", |_| 90.0).repeat(1),
        MadeUp::new("ffmpeg", "parallel", |_| 94.0).repeat(2),
        MadeUp::new("ffmpeg", "parallel", |_| 99.0).ended(Outcome::OutOfMemory, 400).repeat(3),
    ];
    insta::assert_snapshot!(printed(&repeats));
}

#[test]
fn repeats_that_show_different_things_are_counted() {
    let level = |repeat| MadeUp::new("ffmpeg", "single", |_| 47.0).repeat(repeat);
    let grows = MadeUp::new("ffmpeg", "single", |frame| 50.0 + frame / 100.0).repeat(3);
    let told = printed(&[level(1), level(2), grows]);
    assert!(told.contains("2 no") && told.contains("1 yes"), "{told}");
    assert!(told.contains("Memory grows: no (in 2 of 3 runs) – a leak of more than"), "{told}");
}

#[test]
fn a_run_has_one_level_in_every_table_also_where_its_counter_stops_short() {
    let folder = tempfile::tempdir().unwrap();
    let jobs = [MadeUp::new("melt", "single", |frame| 40.0 + frame / 10.0).ended(Outcome::Finished, 985)];
    let report = Report::read(&result(folder.path(), &jobs)).unwrap();
    let level = report.variants()[0].runs()[0].get(Figure::Level).unwrap();
    // Of the frames above 880 up to 980, as planned.
    assert_eq!(level, (133.05 * f64::from(1 << 20)).round());
    assert_eq!(summary(&jobs)[0]["level_at_end_bytes"], format!("{level}"));
    let recording = store::open_trace(&folder.path().join("jobs/melt-single-1"), None).unwrap();
    let recordings = RecordingReport::read(vec![recording], Axes::default()).unwrap();
    assert_eq!(recordings.rows[0].summary.level.unwrap().as_f64(), level);
}

#[test]
fn summaries_of_all_kinds_of_jobs_fit_their_schema() {
    let repeats = |engine, level: fn(f64) -> f64, outcome: Outcome| {
        (1..=4).map(move |repeat| {
            MadeUp::new(engine, "single", level).repeat(repeat).ended(outcome.clone(), 900)
        })
    };
    let saw = |frame: f64| 50.0 + (frame % 200.0) / 4.0;
    let steps = |frame: f64| 50.0 + 20.0 * (frame / 400.0).floor();
    let kinds: [Vec<_>; 4] = [
        jobs(),
        repeats("ffmpeg", |frame| 50.0 + frame / 100.0, Outcome::Finished)
            .chain(repeats("melt", |_| 47.0, Outcome::Finished))
            .collect(),
        repeats("ffmpeg", saw, Outcome::Finished)
            .chain(repeats("melt", steps, Outcome::OutOfMemory))
            .collect(),
        repeats("ffmpeg", steps, Outcome::Stalled { for_s: 60.0, at_frame: 900 })
            .chain(repeats("melt", saw, Outcome::Incomplete { frames: 900, of: 1000 }))
            .collect(),
    ];
    for kind in &kinds {
        let folder = tempfile::tempdir().unwrap();
        let mut json = Vec::new();
        write_summary_json(&Report::read(&result(folder.path(), kind)).unwrap(), &mut json).unwrap();
        assert_fits("summary", str::from_utf8(&json).unwrap());
    }
}

#[test]
fn whole_files_have_no_damage() {
    assert!(!printed(&two_repeats()).contains("samples.csv"));
    assert!(!printed(&jobs()).contains("samples.csv"));
}

#[test]
fn samples_that_were_removed_are_missed() {
    let text = printed_after(&two_repeats(), |folder| {
        fs::remove_file(folder.join("jobs/melt-single-2/samples.csv")).unwrap();
    });
    assert!(text.contains("repeat 2: samples.csv is missing: only"), "{text}");
    assert!(!text.contains("threads.csv is missing"), "{text}");
}

#[test]
fn samples_cut_short_are_missed() {
    let within = printed_after(&two_repeats(), |folder| shorten_samples(folder, 4));
    assert!(within.contains("repeat 2: samples.csv ends in the middle of a line"), "{within}");
    let after = printed_after(&two_repeats(), |folder| {
        let text = fs::read_to_string(folder.join("jobs/melt-single-2/samples.csv")).unwrap();
        shorten_samples(folder, text.lines().last().unwrap().len() + 1);
    });
    assert!(after.contains("repeat 2: samples.csv has 1,000 of 1,001 samples"), "{after}");
}

#[test]
fn a_result_that_is_not_there_may_have_been_removed() {
    let gone = "repeat 2: no result in jobs/melt-single-2: not run yet, or removed";
    for lost in ["jobs/melt-single-2", "jobs/melt-single-2/run.json"] {
        let text = printed_after(&two_repeats(), |folder| {
            let path = folder.join(lost);
            if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.unwrap();
        });
        assert!(text.contains(gone), "{text}");
    }
}

#[test]
fn what_is_printed_fits_the_terminal() {
    for width in [60, 80, 120] {
        let text = printed_within(width, &jobs(), |_| ());
        // A command that is to be pasted stays on one line.
        let mut lines = text.lines().filter(|line| !line.starts_with("To decide: "));
        assert!(lines.all(|line| line.chars().count() <= usize::from(width)), "{width}:\n{text}");
    }
}

#[test]
fn a_narrow_terminal_shows_every_figure_that_a_wide_one_shows() {
    let wide = printed(&jobs());
    let figures = wide.lines().find(|line| line.starts_with("ffmpeg · parallel ")).unwrap();
    let figures = figures.trim_start_matches("ffmpeg · parallel ").split_whitespace();
    for width in [60, 80] {
        let narrow = printed_within(width, &jobs(), |_| ());
        let row = narrow.split("\nffmpeg · parallel\n").nth(1).unwrap();
        let row = row.split("\nmelt · single\n").next().unwrap().replace([';', ','], "");
        let shown: Vec<_> = row.split_whitespace().collect();
        assert!(figures.clone().all(|figure| shown.contains(&figure)), "{narrow}");
        assert!(row.contains("early → late: 96.0 → 96.0 frames/s"), "{row}");
    }
}

#[test]
fn numbers_of_a_variant_that_never_finished_are_in_brackets() {
    let text = printed(&jobs());
    let row = |name: &str| text.lines().find(|line| line.starts_with(name)).unwrap();
    assert!(row("melt · single").contains("(190)"), "{text}");
    assert!(!row("ffmpeg · single").contains('('), "{text}");
    assert!(text.contains("\nIn brackets: "), "{text}");
    assert!(!printed(&jobs()[..2]).contains("\nIn brackets: "));
}

#[test]
fn every_planned_job_has_a_row_in_the_order_of_the_plan() {
    let rows = summary(&jobs());
    let outcomes: Vec<_> = rows.iter().map(|row| row["outcome"].as_str()).collect();
    assert_eq!(outcomes, ["finished", "finished", "killed", "finished", "not-run"]);
    assert_eq!(rows[4]["detail"], "ges-launch-1.0 is not installed");
    assert_eq!(rows[2]["detail"], "killed by SIGKILL");
}

#[test]
fn what_a_job_too_short_to_be_sampled_did_not_show_is_empty() {
    let row = &summary(&jobs())[3];
    assert_eq!(row["peak_rss_bytes"], (45 << 20).to_string());
    let unknown =
        ["frames_out", "peak_anon_swap_bytes", "level_at_end_bytes", "growth_bytes_per_frame", "fps_late"];
    assert!(unknown.iter().all(|column| row[*column].is_empty()), "{row:?}");
}

#[test]
fn no_cell_is_nan() {
    assert!(!summary(&jobs()).iter().flat_map(BTreeMap::values).any(|cell| cell.contains("NaN")));
    assert!(!printed(&jobs()).contains("NaN"));
}

#[test]
fn an_export_that_died_has_growth_but_no_level_at_an_end_it_never_reached() {
    let row = &summary(&jobs())[2];
    assert_eq!(row["level_at_end_bytes"], "");
    let growth: f64 = row["growth_bytes_per_frame"].parse().unwrap();
    assert!((growth - 104_857.6).abs() < 1.0, "{growth}");
}

#[test]
fn the_table_says_the_same_as_the_csv() {
    let row = &summary(&jobs())[1];
    let growth: f64 = row["growth_bytes_per_frame"].parse().unwrap();
    let peak: f64 = row["peak_rss_bytes"].parse().unwrap();
    let text = printed(&jobs());
    let mut lines = text.lines().skip_while(|line| !line.starts_with("ffmpeg · parallel"));
    assert!(lines.next().unwrap().contains(&number::mib(peak)), "{text}");
    assert!(lines.next().unwrap().contains(&format!("{}/frame", verdicts::amount(growth))), "{text}");
    assert_eq!((row["verdict"].as_str(), row["with"].as_str()), ("GROWS", "frames"));
}

#[test]
fn an_svg_names_every_variant_that_ran_and_the_question() {
    let svgs = svgs(&jobs());
    assert_eq!(svgs.len(), 3);
    for (plot, svg) in &svgs {
        for words in
            ["ffmpeg · single", "ffmpeg · parallel", "melt · single", "melt · parallel", "cost &amp; give?"]
        {
            assert!(svg.contains(words), "{words} is missing in {plot}");
        }
    }
    assert!(svgs["peak-by-variant"].contains("ges-launch-1.0 is not installed"));
    assert!(svgs["memory-over-frames"].contains("killed at frame 600"));
}

#[test]
fn a_line_over_frames_taken_in_is_said_to_be_late() {
    let note = "melt reports its frame number up to 40 ms late";
    let svgs_of_all = svgs(&jobs());
    assert!(svgs_of_all["memory-over-frames"].contains(note));
    assert!(!svgs_of_all["memory-over-time"].contains(note));
    assert!(!svgs(&jobs()[..2])["memory-over-frames"].contains(note));
}

#[test]
fn the_same_files_give_the_same_bytes() {
    assert!(files(&jobs()[..1]) == files(&jobs()[..1]));
    assert!(svgs(&jobs()) == svgs(&jobs()));
}

#[test]
fn a_png_has_the_size_it_should() {
    let files = files(&jobs()[..1]);
    let reader =
        png::Decoder::new(std::io::Cursor::new(&files["memory-over-frames.png"])).read_info().unwrap();
    assert_eq!((reader.info().width, reader.info().height), (1600, 900));
}

#[test]
fn without_frames_there_is_no_plot_over_frames() {
    let svgs = svgs(&[MadeUp::new("command", "default", |_| 1.0).unsampled()]);
    assert_eq!(svgs.keys().copied().collect::<Vec<_>>(), ["peak-by-variant"]);
}

#[test]
fn a_plot_over_frames_that_cannot_be_made_is_said_to_be_missing() {
    let line = "\nNo run counted enough frames for a plot of memory over frames.\n";
    assert!(printed(&[MadeUp::new("command", "default", |_| 1.0).unsampled()]).contains(line));
    assert!(!printed(&jobs()).contains(line));
}

#[test]
fn nothing_that_ran_still_makes_a_table_of_reasons() {
    let jobs = [MadeUp::new("ges", "single", |_| 0.0).not_run("no GES here")];
    assert_eq!(files(&jobs).len(), 1);
    assert!(printed(&jobs).contains("ges · single: not run: no GES here"));
}

#[test]
fn a_job_that_died_at_its_first_frame_can_be_drawn() {
    for frames in [0, 1] {
        let job = MadeUp::new("melt", "single", |_| 5.0).ended(Outcome::OutOfMemory, frames);
        assert_eq!(svgs(&[job]).len(), 2 + frames as usize);
    }
}

#[test]
fn what_the_jobs_of_a_family_show_together_is_told_below_the_table() {
    let grows = |repeat| MadeUp::new("melt", "single", |frame| 50.0 + frame / 100.0).repeat(repeat);
    let told = printed(&[grows(1), grows(2), MadeUp::new("ffmpeg", "single", |_| 40.0)]);
    assert!(told.contains("melt · single: Memory grows: yes, by 10.2 KiB per frame"), "{told}");
    assert!(told.contains("ffmpeg · single: Memory grows: no – a leak of more than"), "{told}");
}

#[test]
fn an_export_that_stood_still_before_its_first_frame_shows_nothing_and_nothing_is_to_be_decided() {
    let stalled = Outcome::Stalled { for_s: 60.0, at_frame: 0 };
    let told = printed(&[MadeUp::new("ffmpeg", "single", |_| 40.0).ended(stalled, 0)]);
    assert!(told.contains("Memory grows: can't tell yet – no frame was exported."), "{told}");
    assert!(!told.contains("To decide"), "{told}");
}

#[test]
fn an_export_that_died_of_its_growth_is_told_to_grow() {
    let dies = MadeUp::new("melt", "single", |frame| 50.0 + frame).ended(Outcome::OutOfMemory, 800);
    let told = printed(&[dies]);
    assert!(told.contains("Memory grows: yes, by 1.0 MiB per frame."), "{told}");
}

/// So many repeats of a variant, of which the first few end so.
fn repeats(threading: &'static str, of: u32, ended: u32, outcome: &Outcome) -> Vec<MadeUp> {
    let job = |repeat: u32| {
        let job = MadeUp::new("melt", threading, |_| 5.0).repeat(repeat);
        if repeat <= ended { job.ended(outcome.clone(), 300) } else { job }
    };
    (1..=of).map(job).collect()
}

/// What is said of how often exports go wrong, a line each.
fn rates_told(jobs: &[MadeUp]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let report = Report::read(&result(folder.path(), jobs)).unwrap();
    let mut out = Vec::new();
    rates::write_rates(&report, &report.variants(), &mut out, 400).unwrap();
    String::from_utf8(out).unwrap().trim().to_string()
}

#[test]
fn rates_of_failure_are_told_with_their_intervals_and_against_each_other() {
    let crash = Outcome::killed(11);
    let mut jobs = repeats("single", 20, 3, &crash);
    jobs.extend(repeats("parallel", 20, 0, &crash));
    jobs.extend(repeats("default", 20, 11, &Outcome::Failed { code: 1, message: None }));
    jobs.push(
        MadeUp::new("melt", "default", |_| 5.0)
            .repeat(21)
            .ended(Outcome::Stalled { for_s: 9.0, at_frame: 1 }, 1),
    );
    insta::assert_snapshot!(rates_told(&jobs));
}

#[test]
fn ten_repeats_of_which_none_failed_bound_how_often_it_may() {
    let finished = Outcome::Finished;
    assert_eq!(rates_told(&repeats("single", 9, 0, &finished)), "");
    let of_ten = rates_told(&repeats("single", 10, 0, &finished));
    assert_eq!(of_ten, "melt · single: 0 of 10 failed; at most 28 % fail (95 % confidence).");
    let mut both = repeats("single", 20, 0, &finished);
    both.extend(repeats("parallel", 20, 0, &finished));
    let each = "melt · single, melt · parallel: 0 of 20 each failed; at most 16 % fail (95 % confidence).";
    assert!(rates_told(&both).contains(each), "{}", rates_told(&both));
}

#[test]
fn what_was_interrupted_or_not_run_is_no_export_that_failed_or_did_not() {
    let interrupted = Outcome::Interrupted;
    let mut jobs = repeats("single", 12, 2, &interrupted);
    jobs.push(MadeUp::new("melt", "single", |_| 5.0).repeat(13).not_run("melt is not installed"));
    let told = printed(&jobs);
    assert!(told.contains("0 of 10 failed; at most 28 % fail (95 % confidence)"), "{told}");
    assert!(!printed(&jobs[..11]).contains("(95 % confidence)"));
}

#[test]
fn rates_are_in_the_summary_whether_anything_failed_or_not() {
    let crash = Outcome::killed(11);
    let mut jobs = repeats("single", 4, 3, &crash);
    jobs.extend(repeats("parallel", 4, 0, &crash));
    jobs.push(MadeUp::new("ges", "single", |_| 0.0).not_run("no GES here"));
    let folder = tempfile::tempdir().unwrap();
    let mut json = Vec::new();
    write_summary_json(&Report::read(&result(folder.path(), &jobs)).unwrap(), &mut json).unwrap();
    let summary: serde_json::Value = serde_json::from_slice(&json).unwrap();
    let [single, parallel, ges] = [0, 1, 2].map(|place| &summary["rates"][place]);
    assert_eq!((&single["exports"], &single["crashed"]["count"]), (&4.into(), &3.into()));
    assert_eq!(single["stalled"]["count"], 0);
    assert!((parallel["failed"]["high"].as_f64().unwrap() - 0.4899).abs() < 1e-4, "{parallel}");
    assert_eq!((&ges["exports"], &ges["failed"]), (&0.into(), &serde_json::Value::Null));
    let changes = summary["rate_comparisons"].as_array().unwrap();
    assert_eq!(changes.len(), 1);
    assert_eq!((&changes[0]["way"], &changes[0]["finding"]), (&"crashed".into(), &"less".into()));
    assert!((changes[0]["difference"].as_f64().unwrap() + 0.75).abs() < 1e-12, "{}", changes[0]);
}

#[test]
fn sources_that_an_export_never_came_to_are_not_counted() {
    let sources = |job: MadeUp| {
        let folder = tempfile::tempdir().unwrap();
        let report = Report::read(&result(folder.path(), &[job])).unwrap();
        report.families()[0].verdict.up_to_sources
    };
    let export = || MadeUp::new("melt", "single", |_| 40.0);
    assert_eq!(sources(export()), 2);
    assert_eq!(sources(export().ended(Outcome::killed(11), 600)), 2);
    assert_eq!(sources(export().ended(Outcome::killed(11), 400)), 1);
}
