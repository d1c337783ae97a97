//! The peaks of all variants beside each other.

use crate::report::number::{mib, range};
use crate::report::plot::axis::{AxisScale, Ticks};
use crate::report::plot::frame::{self, LABEL, MARGIN, NOTE, PlotArea};
use crate::report::plot::palette::{GREY, INK, PAPER, cross};
use crate::report::plot::provenance;
use crate::report::plot::scene::{Font, HEIGHT, LabelSide, Scene, WIDTH};
use crate::report::{MeasuredJob, Report, VariantRow};
use memreel_trace::units::Bytes;
use plotters::style::RGBAColor;

/// The resident set.
const RESIDENT: RGBAColor = RGBAColor(158, 202, 225, 1.0);
/// The anonymous part of it.
const ANONYMOUS: RGBAColor = RGBAColor(8, 81, 156, 1.0);
/// The most that a row takes.
const TALLEST_ROW: i32 = 280;
/// The room right of the longest bar for its number.
const NUMBER_ROOM: i32 = 640;

/// Peak resident set of each variant, its anonymous part, and each repeat; `None` when nothing ran.
pub fn peak_by_variant(report: &Report) -> Option<Scene> {
    let variants = report.variants();
    let jobs = || report.measured().map(|job| &job.summary);
    let peaks = jobs().flat_map(|job| [job.peak_rss, job.peak_anon_swap]).flatten();
    let largest = peaks.max()?.mib();

    let mut scene = Scene::default();
    let top = frame::write_header(&mut scene, &report.question, &provenance(report)) + 110;
    let notes = frame::write_notes(&mut scene, &notes(&variants));
    let names = variants.iter().map(|variant| LABEL.width_of(&variant.name)).max().unwrap_or(0);
    let room = HEIGHT - notes - 170 - top;
    let row = (room / variants.len() as i32).min(TALLEST_ROW);
    let field = PlotArea {
        left: MARGIN + names.clamp(200, 900) + 40,
        right: WIDTH - MARGIN - NUMBER_ROOM,
        top,
        bottom: top + row * variants.len() as i32,
    };
    let ticks = Ticks::within(largest, 8);
    let across = AxisScale::new(largest, field.left, field.right);
    frame::draw_sideward_axis(&mut scene, field, (across, ticks), 50, "peak memory, MiB");
    let font = name_font(&variants, field, row);
    for (index, variant) in variants.iter().enumerate() {
        let middle = field.top + row * index as i32 + row / 2;
        draw_name(&mut scene, variant, field, middle, font);
        draw_row(&mut scene, variant, across, (middle, row));
    }
    draw_key(&mut scene, &variants, top - 60);
    Some(scene)
}

fn notes(variants: &[VariantRow<'_>]) -> Vec<String> {
    let repeated = variants.iter().any(|variant| variant.summary.ran > 1);
    let bars = repeated.then(|| "bars: median of the repeats that finished, dots: each repeat".to_string());
    let failed = variants.iter().any(|variant| variant.summary.finished < variant.summary.ran);
    let crosses = failed.then(|| "×: the export ended there and did not finish".to_string());
    bars.into_iter().chain(crosses).collect()
}

/// The largest font in which every name fits beside its row.
fn name_font(variants: &[VariantRow<'_>], field: PlotArea, row: i32) -> Font {
    let fonts = [LABEL, Font::plain(36, INK), Font::plain(32, INK), Font::plain(28, INK)];
    let tallest =
        |font: Font| variants.iter().map(move |variant| wrapped_name(variant, field, font).len()).max();
    let fits = |font: &Font| tallest(*font).unwrap_or(0) as i32 * font.line() <= row;
    fonts.into_iter().find(fits).unwrap_or(Font::plain(22, INK))
}

fn wrapped_name(variant: &VariantRow<'_>, field: PlotArea, font: Font) -> Vec<String> {
    font.wrap(&variant.name, field.left - MARGIN - 40, 3)
}

fn draw_name(scene: &mut Scene, variant: &VariantRow<'_>, field: PlotArea, middle: i32, font: Font) {
    let lines = wrapped_name(variant, field, font);
    let first = middle - (lines.len() as i32 - 1) * font.line() / 2;
    for (index, line) in lines.iter().enumerate() {
        let at = (field.left - 30, first + index as i32 * font.line());
        scene.words(at, line.as_str(), font, LabelSide::Right);
    }
}

fn draw_row(scene: &mut Scene, variant: &VariantRow<'_>, across: AxisScale, (middle, row): (i32, i32)) {
    let place = |bytes: f64| across.place(Bytes::new(bytes.max(0.0) as u64).mib());
    let (thick, thin) = ((row * 30 / 100).min(54), (row * 13 / 100).min(22));
    let bars = [
        (variant.summary.peak_rss_bytes, thick, RESIDENT),
        (variant.summary.peak_anon_swap_bytes, thin, ANONYMOUS),
    ];
    for (spread, half, colour) in bars {
        if let Some(spread) = spread {
            let (from, to) = ((across.place(0.0), middle - half), (place(spread.median), middle + half));
            scene.rectangle(from, to, colour);
        }
    }
    if variant.summary.ran > 1 {
        draw_repeats(scene, variant, across, (middle, row));
    }
    let died = variant.measured().filter(|job| !job.summary.outcome.is_finished());
    for peak in died.filter_map(|job| job.summary.peak_rss) {
        cross(scene, (across.place(peak.mib()), middle), row.min(60) / 4, INK);
    }
    let ends = variant.measured().filter_map(|job| job.summary.peak_rss);
    let end = ends.max().map_or(across.place(0.0), |peak| across.place(peak.mib()));
    write_number(scene, variant, (end + 40, middle), row);
}

/// A dot for each repeat and a line from the smallest to the largest.
fn draw_repeats(scene: &mut Scene, variant: &VariantRow<'_>, across: AxisScale, (middle, row): (i32, i32)) {
    let finished = |job: &&MeasuredJob| job.summary.outcome.is_finished();
    let peaks = variant.measured().filter(finished).filter_map(|job| job.summary.peak_rss);
    let places: Vec<i32> = peaks.map(|peak| across.place(peak.mib())).collect();
    let (Some(&low), Some(&high)) = (places.iter().min(), places.iter().max()) else { return };
    let y = middle - (row * 22 / 100).min(38);
    scene.line(vec![(low, y), (high, y)], 4, INK);
    places.iter().for_each(|&x| dot(scene, (x, y)));
}

fn dot(scene: &mut Scene, (x, y): (i32, i32)) {
    let round = |radius: f64| -> Vec<(i32, i32)> {
        let angles = (0..20).map(|step| f64::from(step) * std::f64::consts::TAU / 20.0);
        let corner = |angle: f64| {
            (x + (radius * angle.cos()).round() as i32, y + (radius * angle.sin()).round() as i32)
        };
        angles.map(corner).collect()
    };
    scene.area(round(11.0), PAPER);
    scene.area(round(8.0), INK);
}

/// The median with its range, and why there is none or what it is worth.
fn write_number(scene: &mut Scene, variant: &VariantRow<'_>, (x, y): (i32, i32), row: i32) {
    let remark = remark(variant);
    let value = variant.summary.peak_rss_bytes.map(|spread| {
        let range = range(Some(spread), mib).map(|range| format!("  ({range})")).unwrap_or_default();
        format!("{} MiB{range}", mib(spread.median))
    });
    let (number, small) = (Font::plain(LABEL.size.min(row * 4 / 10), INK), NOTE.size.min(row * 4 / 10));
    let small = Font::plain(small, GREY);
    let most = if row > 3 * NOTE.line() + number.line() { 3 } else { 1 };
    let remarks = remark.map(|remark| small.wrap(&remark, WIDTH - MARGIN - x, most)).unwrap_or_default();
    let height = remarks.len() as i32 * small.line() + value.iter().len() as i32 * number.line();
    let mut middle = y - height / 2;
    let widest = value.iter().map(|value| number.width_of(value));
    let widest = widest.chain(remarks.iter().map(|remark| small.width_of(remark))).max().unwrap_or(0);
    scene.rectangle((x - 8, middle), (x + widest + 8, middle + height), PAPER);
    if let Some(value) = value {
        scene.words((x, middle + number.line() / 2), value, number, LabelSide::Left);
        middle += number.line();
    }
    scene.lines_of_words((x, middle + small.line() / 2), &remarks, small);
}

fn remark(variant: &VariantRow<'_>) -> Option<String> {
    if variant.summary.ran == 0 {
        return variant.jobs[0].exceptions().pop();
    }
    let died = variant.measured().find(|job| !job.summary.outcome.is_finished())?;
    let count = variant.summary.ran - variant.summary.finished;
    let of =
        if variant.summary.ran > 1 { format!("{count} of {}: ", variant.summary.ran) } else { String::new() };
    Some(format!("{of}{}", died.summary.outcome))
}

fn draw_key(scene: &mut Scene, variants: &[VariantRow<'_>], y: i32) {
    let mut x = MARGIN;
    let mut entry = |colour: RGBAColor, half: i32, words: &str| {
        scene.rectangle((x, y - half), (x + 90, y + half), colour);
        scene.words((x + 110, y), words, LABEL, LabelSide::Left);
        x += 110 + LABEL.width_of(words) + 80;
    };
    entry(RESIDENT, 20, "peak RSS (resident set)");
    if variants.iter().any(|variant| variant.summary.peak_anon_swap_bytes.is_some()) {
        entry(ANONYMOUS, 9, "peak anonymous memory + swap");
    }
}
