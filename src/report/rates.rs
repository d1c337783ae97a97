//! How often exports go wrong, variant by variant and against each other.

use std::collections::BTreeMap;
use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;

use crate::report::comparisons::{Paired, paired};
use crate::report::number::number;
use crate::report::terminal::write_wrapped;
use crate::report::{Report, VariantRow, value_name};
use memreel_judge::analysis::{FailureKind, Failures};
use memreel_judge::compare::{Finding, RateChange};
use memreel_judge::stats::Proportion;

/// How sure the intervals are.
const CONFIDENCE: f64 = 0.95;
/// So many exports say something about how seldom they fail, even if none did.
const ENOUGH: u64 = 10;
/// Comparisons in the terminal; all of them are in `summary.json`.
const TOLD: usize = 8;

/// In which way exports go wrong; `None` is in any.
type Way = Option<FailureKind>;

/// A share of the exports of two variants.
struct Compared<'a> {
    paired: &'a Paired<'a>,
    way: Way,
    change: RateChange,
}

/// Says how often exports went wrong, where any did or there are enough to say something.
pub fn write_rates(
    report: &Report,
    variants: &[VariantRow<'_>],
    out: &mut dyn Write,
    width: u16,
) -> io::Result<()> {
    let is_told = |failures: &Failures| failures.count(None) > 0 || failures.exports() >= ENOUGH;
    if !variants.iter().any(|variant| is_told(&variant.summary.failures)) {
        return Ok(());
    }
    writeln!(out)?;
    rates(variants).iter().try_for_each(|rate| write_wrapped(out, rate, width))?;
    let pairs = paired(report, variants);
    let mut changes: Vec<_> = compared(&pairs).into_iter().filter(|pair| pair.change.is_told()).collect();
    changes.sort_by_key(|pair| pair.change.finding() == Finding::Open);
    for change in changes.iter().take(TOLD) {
        writeln!(out)?;
        write_wrapped(out, &sentence(change), width)?;
    }
    if changes.len() > TOLD {
        writeln!(out, "\n{} more comparisons of rates are in summary.json.", changes.len() - TOLD)?;
    }
    Ok(())
}

/// A line for each variant that ran; one for all of those of which equally many exports ran and none failed.
fn rates(variants: &[VariantRow<'_>]) -> Vec<String> {
    let ran = variants.iter().filter(|variant| variant.summary.failures.exports() > 0);
    let (failed, fine): (Vec<_>, Vec<_>) = ran.partition(|variant| variant.summary.failures.count(None) > 0);
    let mut sizes: Vec<_> = fine.iter().map(|variant| variant.summary.failures.exports()).collect();
    sizes.sort_unstable();
    sizes.dedup();
    let brackets = (!failed.is_empty()).then(|| "In brackets: the share, and its 95 % interval.".to_string());
    let fine = sizes.into_iter().filter_map(|size| none_failed(&fine, size));
    failed.into_iter().map(some_failed).chain(fine).chain(brackets).collect()
}

fn some_failed(variant: &VariantRow<'_>) -> String {
    let failures = &variant.summary.failures;
    let all = failures.rate(None).map_or(String::new(), |rate| of_them(of(rate), None, rate));
    let kinds = failures.kinds().filter_map(|kind| Some((Some(kind), failures.rate(Some(kind))?)));
    let told = match kinds.collect::<Vec<_>>().as_slice() {
        [(way, rate)] => of_them(of(*rate), *way, *rate),
        kinds => {
            let each = kinds.iter().map(|(way, rate)| of_them(rate.hits().to_string(), *way, *rate));
            format!("{all}: {}", each.collect::<Vec<_>>().join(", "))
        }
    };
    format!("{}: {told}.", variant.name)
}

fn of_them(how_many: String, way: Way, rate: Proportion) -> String {
    format!("{how_many} {} {}", verb(way), interval(rate))
}

/// Those of which so many ran: how often they may fail all the same.
fn none_failed(variants: &[&VariantRow<'_>], size: u64) -> Option<String> {
    let alike = variants.iter().filter(|variant| variant.summary.failures.exports() == size);
    let names: Vec<_> = alike.map(|variant| variant.name.as_str()).collect();
    let most = percent(Proportion::new(0, size)?.interval(CONFIDENCE).high);
    let each = if names.len() > 1 { " each" } else { "" };
    Some(format!("{}: 0 of {size}{each} failed; at most {most} % fail (95 % confidence).", names.join(", ")))
}

/// The ways in which exports of either side went wrong, each compared; first all together, where there are
/// several.
fn compared<'a>(pairs: &'a [Paired<'a>]) -> Vec<Compared<'a>> {
    let of_pair = |paired: &'a Paired<'a>| {
        let (a, b) = (&paired.a.summary.failures, &paired.b.summary.failures);
        let seen = |kind: &FailureKind| a.count(Some(*kind)) + b.count(Some(*kind)) > 0;
        let kinds: Vec<_> = FailureKind::ALL.into_iter().filter(seen).map(Some).collect();
        let together = (kinds.len() > 1).then_some(None);
        let ways = together.into_iter().chain(kinds);
        ways.filter_map(move |way| {
            Some(Compared { paired, way, change: RateChange::of(a.rate(way)?, b.rate(way)?) })
        })
    };
    pairs.iter().flat_map(of_pair).collect()
}

/// Which fails more often, by how much, or that it cannot be told.
fn sentence(compared: &Compared<'_>) -> String {
    let Compared { paired, way, change } = compared;
    let subject = if paired.others.is_empty() { String::new() } else { format!("{}: ", paired.others) };
    let side = |value: &str, rate: Proportion| (value_name(&paired.pair.axis, value), rate);
    let a = side(&paired.pair.a_value, change.a);
    let b = side(&paired.pair.b_value, change.b);
    // The one that fails more often comes first.
    let turned = change.difference.estimate <= 0.0;
    let ((more, most), (less, least)) = if turned { (a, b) } else { (b, a) };
    let difference = change.difference;
    let (low, high) = match turned {
        true => (-difference.high, -difference.low),
        false => (difference.low, difference.high),
    };
    let finding = match change.finding() {
        Finding::Open => "too few to decide".to_string(),
        _ => format!(
            "more often by {} points ({}–{})",
            percent(difference.estimate.abs()),
            percent(low),
            percent(high)
        ),
    };
    format!(
        "{subject}{more} {} in {} {} {}, {less} in {} {}: {finding}.",
        verb(*way),
        of(most),
        noun(paired),
        interval(most),
        of(least),
        interval(least)
    )
}

fn verb(way: Way) -> &'static str {
    match way {
        None => "failed",
        Some(FailureKind::Crash) => "crashed",
        Some(FailureKind::Stall) => "stalled",
        Some(FailureKind::TimeOut) => "timed out",
        Some(FailureKind::OutOfMemory) => "ran out of memory",
        Some(FailureKind::Incomplete) => "ended incomplete",
    }
}

/// What is counted: a process, which of some variants does several exports.
fn noun(paired: &Paired<'_>) -> &'static str {
    let several = |variant: &VariantRow<'_>| {
        variant.jobs[0].planned.variant.iter().any(|(axis, value)| axis == "exports" && value != "1")
    };
    if several(paired.a) || several(paired.b) { "runs" } else { "exports" }
}

fn of(rate: Proportion) -> String {
    format!("{} of {}", rate.hits(), rate.of())
}

/// The share and its interval, in brackets.
fn interval(rate: Proportion) -> String {
    let found = rate.interval(CONFIDENCE);
    format!("({} %, {}–{} %)", percent(found.estimate), percent(found.low), percent(found.high))
}

/// Whole per cents, but for what they would make nothing or all of.
fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    let is_fine = (percent > 0.0 && percent < 1.0) || (percent > 99.0 && percent < 100.0);
    number(percent, usize::from(is_fine))
}

/// How often the exports of a variant failed; null if none ran.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RatesRecord {
    /// The variant: each axis with its value.
    variant: BTreeMap<String, String>,
    /// Exports that finished or failed.
    exports: u64,
    /// Exports that failed in any way.
    failed: Option<RateRecord>,
    /// Exports that ended by a signal that memreel did not send, or with an exit status other than 0.
    crashed: Option<RateRecord>,
    /// Exports whose frame counter stood still.
    stalled: Option<RateRecord>,
    /// Exports that exceeded the time limit.
    timed_out: Option<RateRecord>,
    /// Exports that the kernel ended for lack of memory.
    out_of_memory: Option<RateRecord>,
    /// Exports that reported success, but whose file has another number of frames than the timeline.
    incomplete: Option<RateRecord>,
}

/// How often something happened.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
struct RateRecord {
    /// How many times it happened.
    count: u64,
    /// The share of the exports, from 0 to 1.
    rate: f64,
    /// The lower end of the 95 % interval of the share.
    low: f64,
    /// The upper end of the 95 % interval of the share.
    high: f64,
}

/// How often exports of two variants failed, compared.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RateChangeRecord {
    /// The axis in which the variants differ.
    axis: String,
    /// The values that the variants have in common, of the axes that vary.
    others: String,
    /// The value of variant a.
    a: String,
    /// The value of variant b.
    b: String,
    /// The way of failing.
    #[schemars(extend("enum" = ways()))]
    way: &'static str,
    /// How often variant a failed in this way.
    rate_of_a: RateRecord,
    /// How often variant b failed in this way.
    rate_of_b: RateRecord,
    /// The difference b − a of the shares.
    difference: f64,
    /// The lower end of the 95 % interval of the difference.
    low: f64,
    /// The upper end of the 95 % interval of the difference.
    high: f64,
    /// Whether variant b fails more or less often than variant a.
    finding: Finding,
    /// The comparison in one sentence.
    sentence: String,
}

/// All variants' rates, for `summary.json`.
pub fn records(report: &Report) -> Vec<RatesRecord> {
    report.variants().iter().map(record).collect()
}

fn record(variant: &VariantRow<'_>) -> RatesRecord {
    let failures = &variant.summary.failures;
    let rate = |way: Way| failures.rate(way).map(RateRecord::from);
    RatesRecord {
        variant: variant.jobs[0].planned.variant.iter().cloned().collect(),
        exports: failures.exports(),
        failed: rate(None),
        crashed: rate(Some(FailureKind::Crash)),
        stalled: rate(Some(FailureKind::Stall)),
        timed_out: rate(Some(FailureKind::TimeOut)),
        out_of_memory: rate(Some(FailureKind::OutOfMemory)),
        incomplete: rate(Some(FailureKind::Incomplete)),
    }
}

/// All comparisons of rates, for `summary.json`.
pub fn change_records(report: &Report) -> Vec<RateChangeRecord> {
    let variants = report.variants();
    compared(&paired(report, &variants)).iter().map(change_record).collect()
}

fn change_record(compared: &Compared<'_>) -> RateChangeRecord {
    let Compared { paired, way, change } = compared;
    RateChangeRecord {
        axis: paired.pair.axis.clone(),
        others: paired.others.clone(),
        a: paired.pair.a_value.clone(),
        b: paired.pair.b_value.clone(),
        way: name(*way),
        rate_of_a: change.a.into(),
        rate_of_b: change.b.into(),
        difference: change.difference.estimate,
        low: change.difference.low,
        high: change.difference.high,
        finding: change.finding(),
        sentence: sentence(compared),
    }
}

/// Every name of a way of failing.
fn ways() -> Vec<&'static str> {
    [None].into_iter().chain(FailureKind::ALL.map(Some)).map(name).collect()
}

fn name(way: Way) -> &'static str {
    match way {
        None => "failed",
        Some(FailureKind::Crash) => "crashed",
        Some(FailureKind::Stall) => "stalled",
        Some(FailureKind::TimeOut) => "timed_out",
        Some(FailureKind::OutOfMemory) => "out_of_memory",
        Some(FailureKind::Incomplete) => "incomplete",
    }
}

impl From<Proportion> for RateRecord {
    fn from(rate: Proportion) -> RateRecord {
        let found = rate.interval(CONFIDENCE);
        RateRecord { count: rate.hits(), rate: found.estimate, low: found.low, high: found.high }
    }
}
