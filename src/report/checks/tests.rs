use super::*;
use crate::report::made_up::{MadeUp, result};
use crate::schema::assert_fits;
use memreel_judge::budget::Figure;
use memreel_judge::check::{Asked, ChangeEvidence, Evidence, LimitEvidence};
use memreel_trace::Outcome;

const MIB: f64 = 1_048_576.0;

/// Two variants of which one lost an export, and an engine that is not there.
fn report() -> Report {
    let folder = tempfile::tempdir().unwrap();
    let jobs = [
        MadeUp::new("ffmpeg", "single", |_| 47.0),
        MadeUp::new("ffmpeg", "single", |_| 49.0).repeat(2),
        MadeUp::new("ffmpeg", "single", |_| 48.5).repeat(3),
        MadeUp::new("ffmpeg", "parallel", |_| 90.0).fps(200.0),
        MadeUp::new("ffmpeg", "parallel", |_| 94.0).ended(Outcome::OutOfMemory, 400).repeat(2),
        MadeUp::new("ges", "single", |_| 0.0).not_run("ges-launch-1.0 is not installed"),
    ];
    Report::read(&result(folder.path(), &jobs)).unwrap()
}

fn item(subject: &str, asked: Asked, state: State, evidence: Evidence) -> CheckItem {
    CheckItem { subject: subject.into(), asked, state, soft: false, unasked: false, evidence }
}

fn limit(subject: &str, figure: Figure, state: State) -> CheckItem {
    let (limit, value) = (60.0 * MIB, 78.5 * MIB);
    let evidence =
        LimitEvidence { limit, value, surely: value - MIB, at_worst: value + MIB, repeats: 3, beyond: 3 };
    item(subject, Asked::Limit(figure), state, Evidence::Limit(evidence))
}

fn change(subject: &str, figure: Figure, state: State) -> CheckItem {
    let in_time = figure == Figure::CpuPerFrame || figure == Figure::FramesPerSecond;
    let (level, effect) = if in_time { (0.004, 0.125) } else { (48.0 * MIB, 1.5 * MIB) };
    let evidence = ChangeEvidence {
        baseline: level,
        now: level + if in_time { level * effect } else { effect },
        effect,
        interval: Some((effect / 2.0, effect * 2.0)),
        at_least: Some(effect / 4.0),
        tolerated: effect / 1.5,
        least_effect: Some(effect * 2.5),
        repeats: (3, 3),
        needs: (state == State::Open).then_some(7),
    };
    item(subject, Asked::Change(figure), state, Evidence::Change(evidence))
}

fn words(subject: &str, asked: Asked, state: State, words: &str) -> CheckItem {
    item(subject, asked, state, Evidence::Words(words.into()))
}

/// Something of everything.
fn check() -> Check {
    let soft = CheckItem { soft: true, ..change("ffmpeg · single", Figure::CpuPerFrame, State::Failed) };
    let grows = "GROWS_PER_FRAME – memory grows with every frame, up to 1,000 frames: 4,096 B per frame";
    let items = vec![
        words("ffmpeg · single", Asked::Finding, State::Passed, "HEALTHY – no growth"),
        words("ffmpeg · parallel", Asked::Finding, State::Failed, grows),
        words(
            "ffmpeg · parallel",
            Asked::Baseline,
            State::NotComparable,
            "it was measured with another kernel",
        ),
        limit("ffmpeg · single", Figure::Peak, State::Failed),
        change("ffmpeg · single", Figure::Level, State::Open),
        soft,
        change("ffmpeg · single", Figure::FramesPerSecond, State::Shown),
        limit("ffmpeg · parallel", Figure::Peak, State::Passed),
    ];
    Check { items, questions: 4, is_unguarded: false, to_accept: Vec::new() }
}

fn told<'a>(report: &'a Report, check: &'a Check) -> Told<'a> {
    Told {
        report,
        check,
        baseline: Some("memreel.baseline".into()),
        strictness: Strictness::Usual,
        scenario_file: Some("exports/made-up.toml".into()),
    }
}

/// What a writer writes of all that there is to tell.
fn written(write: impl FnOnce(&Told<'_>, &mut Vec<u8>)) -> String {
    written_of(check(), Strictness::Usual, write)
}

fn written_of(check: Check, strictness: Strictness, write: impl FnOnce(&Told<'_>, &mut Vec<u8>)) -> String {
    let (report, mut out) = (report(), Vec::new());
    write(&Told { strictness, ..told(&report, &check) }, &mut out);
    String::from_utf8(out).unwrap()
}

fn markdown(told: &Told<'_>, out: &mut Vec<u8>) {
    write_markdown(told, SUMMARY_BYTES, out).unwrap();
}

fn annotations(told: &Told<'_>, out: &mut Vec<u8>) {
    write_annotations(told, out).unwrap();
}

fn junit(told: &Told<'_>, out: &mut Vec<u8>) {
    write_junit(told, out).unwrap();
}

#[test]
fn the_page_says_what_failed_first_and_folds_the_figures_away() {
    insta::assert_snapshot!(written(markdown));
}

#[test]
fn a_page_of_very_many_answers_fits_into_a_summary_and_says_what_it_left_out() {
    let items = |state| (0..6000).map(move |n| limit(&format!("melt · length {n}"), Figure::Peak, state));
    let many = Check {
        items: items(State::Failed).chain(items(State::Passed)).collect(),
        questions: 12_000,
        is_unguarded: false,
        to_accept: Vec::new(),
    };
    let page = written_of(many, Strictness::Usual, markdown);
    assert!(page.len() <= SUMMARY_BYTES, "{}", page.len());
    assert!(page.len() > SUMMARY_BYTES - 4096, "{}", page.len());
    assert_eq!(page.matches(" more lines, for which there is no room here.").count(), 3);
    assert!(page.ends_with("\n</details>\n\n"), "{}", &page[page.len() - 200..]);
    assert!(page.contains("| melt · length 1 | peak |"));
}

#[test]
fn there_is_no_page_where_there_is_no_room_for_one() {
    let none = written(|told, out| write_markdown(told, 3000, out).unwrap());
    assert_eq!(none, "");
}

/// The cells of a page's tables and the texts of its points, as a reader of GitHub's Markdown takes them.
fn read_markdown(page: &str) -> (Vec<String>, Vec<String>) {
    use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
    let (mut cells, mut points, mut text) = (Vec::new(), Vec::new(), String::new());
    for event in Parser::new_ext(page, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
        match event {
            Event::Start(Tag::TableCell | Tag::Item) => text.clear(),
            Event::End(TagEnd::TableCell) => cells.push(std::mem::take(&mut text)),
            Event::End(TagEnd::Item) => points.push(std::mem::take(&mut text)),
            Event::Text(piece) => text.push_str(&piece),
            Event::Code(_) | Event::InlineHtml(_) | Event::Start(Tag::Emphasis | Tag::Link { .. }) => {
                panic!("{event:?} in {page}")
            }
            _ => (),
        }
    }
    (cells, points)
}

#[test]
fn a_name_with_signs_of_markdown_in_it_is_read_as_it_is() {
    let name = "melt | `x` · *a* _b_ <b>c</b> [d](e) &amp; ~~f~~ \\ #1";
    let check = Check {
        items: vec![limit(name, Figure::Peak, State::Failed)],
        questions: 1,
        is_unguarded: false,
        to_accept: Vec::new(),
    };
    let (cells, points) = read_markdown(&written_of(check, Strictness::Usual, markdown));
    assert_eq!(cells.len(), 16, "{cells:?}");
    assert_eq!((cells[8].as_str(), cells[9].as_str(), cells[15].as_str()), (name, "peak", "FAILED"));
    assert_eq!(points.len(), 2);
    assert!(points[1].starts_with(&format!("FAILED: {name}: peak is 78.5 MiB")), "{points:?}");
}

#[test]
fn github_is_pointed_to_what_failed_and_what_is_open() {
    insta::assert_snapshot!(written(annotations));
}

#[test]
fn of_many_failures_nine_are_pointed_out_and_the_tenth_says_how_many_more_there_are() {
    let failures = |count: usize| -> Vec<CheckItem> {
        (0..count).map(|n| limit(&format!("length {n}"), Figure::Peak, State::Failed)).collect()
    };
    let errors = |count| {
        // One of them is of the export that failed.
        let check = Check {
            items: failures(count - 1),
            questions: count,
            is_unguarded: false,
            to_accept: Vec::new(),
        };
        written_of(check, Strictness::Usual, annotations)
    };
    assert_eq!(errors(10).lines().count(), 10);
    assert!(!errors(10).contains("more"), "{}", errors(10));
    assert_eq!(errors(24).lines().count(), 10);
    assert!(errors(24).lines().last().unwrap().contains("::15 more: "), "{}", errors(24));
}

#[test]
fn what_would_end_a_command_is_escaped() {
    let name = "a: b, 50 %\nc\r";
    let check = Check {
        items: vec![words(name, Asked::Finding, State::Failed, "x: y, 1 %\n::error::z")],
        questions: 0,
        is_unguarded: false,
        to_accept: Vec::new(),
    };
    let lines = written_of(check, Strictness::Usual, annotations);
    let last = lines.lines().last().unwrap();
    let title = "title=made-up%3A a%3A b%2C 50 %25%0Ac␍%3A memory";
    assert_eq!(last, format!("::error file=exports/made-up.toml,{title}::x: y, 1 %25%0A::error::z."));
}

#[test]
fn what_is_open_fails_under_strict_and_nothing_fails_where_there_are_warnings_only() {
    let kinds = |strictness| {
        let lines = written_of(check(), strictness, annotations);
        let count = |kind: &str| lines.lines().filter(|line| line.starts_with(kind)).count();
        (count("::error "), count("::warning "))
    };
    // One error is that of the export that failed: it fails a run in any case.
    assert_eq!(kinds(Strictness::Usual), (3, 3));
    assert_eq!(kinds(Strictness::Strict), (5, 1));
    assert_eq!(kinds(Strictness::WarnOnly), (1, 5));
}

#[test]
fn junit_has_a_case_for_each_variant_and_what_its_jobs_show() {
    insta::assert_snapshot!(written(junit));
}

#[test]
fn junit_skips_what_is_open_and_fails_it_under_strict() {
    let open = || Check {
        items: vec![change("ffmpeg · single", Figure::Level, State::Open)],
        questions: 1,
        is_unguarded: false,
        to_accept: Vec::new(),
    };
    let text = |strictness| written_of(open(), strictness, junit);
    let (usual, strict) = (text(Strictness::Usual), text(Strictness::Strict));
    assert!(
        usual.contains("<skipped message=\"inconclusive: level may exceed") && !usual.contains("<failure"),
        "{usual}"
    );
    assert!(strict.contains("<failure message=\"inconclusive: level may exceed"), "{strict}");
    let failed = Check {
        items: vec![limit("ffmpeg · single", Figure::Peak, State::Failed)],
        questions: 1,
        is_unguarded: false,
        to_accept: Vec::new(),
    };
    let warned = written_of(failed, Strictness::WarnOnly, junit);
    assert!(
        warned.contains("<skipped message=\"FAILED: peak is") && !warned.contains("<failure"),
        "{warned}"
    );
}

#[test]
fn junit_is_xml_whatever_an_engine_has_written() {
    let check = Check {
        items: vec![words("a\u{1b}[31m<b>", Asked::Finding, State::Failed, "\0 \u{8} \"x\" & ]]>")],
        questions: 0,
        is_unguarded: false,
        to_accept: Vec::new(),
    };
    let text = written_of(check, Strictness::Usual, junit);
    let mut reader = quick_xml::Reader::from_str(&text);
    while reader.read_event().unwrap() != quick_xml::events::Event::Eof {}
    assert!(!text.contains(['\0', '\u{8}', '\u{1b}']), "{text}");
    assert!(text.contains("name=\"a&lt;b&gt;: memory\""), "{text}");
}

#[test]
fn bencher_has_a_benchmark_for_each_variant_that_does_not_depend_on_what_else_is_varied() {
    insta::assert_snapshot!(written(|told, out| write_bmf(told, out).unwrap()));
}

#[test]
fn an_action_that_compares_ratios_gets_figures_of_which_less_is_better_and_none_around_zero() {
    insta::assert_snapshot!(written(|told, out| write_smaller_is_better(told, out).unwrap()));
}

#[test]
fn every_answer_fits_the_schema_of_a_check() {
    for strictness in [Strictness::WarnOnly, Strictness::Usual, Strictness::Strict] {
        let repeats = words("melt", Asked::Repeats, State::Open, "1 of 3 repeats is missing");
        let of_all_kinds = Check {
            items: [check().items, vec![repeats]].concat(),
            questions: 4,
            is_unguarded: false,
            to_accept: Vec::new(),
        };
        assert_fits(
            "check-output",
            &written_of(of_all_kinds, strictness, |told, out| write_json(told, out).unwrap()),
        );
    }
}

#[test]
fn programs_get_every_answer_with_its_evidence() {
    insta::assert_snapshot!(written(|told, out| write_json(told, out).unwrap()));
}
