//! `[budgets]`: what an export may take.

use bytesize::ByteSize;

use memreel_judge::budget::{Budget, Budgets, FAILING_FINDINGS, Figure, FigureUnit, Rule, Slack};

use super::matrix::{Axis, AxisValue};
use super::recipe::UserNames;
use super::spelling::unknown;
use super::tree::{Field, KeyTable, ScenarioFault, Value};
use super::values::Time;

/// The key of a limit in the table of a figure; alone it need not be named.
pub(super) const LIMIT: &str = "limit";

/// Keys of `[budgets]` beside the figures.
const OTHERS: [&str; 3] = ["where", "allow", "across_builds"];

/// Reads `[budgets]`; all of it may be left out.
pub(super) fn budgets(root: &KeyTable, users: &UserNames) -> Result<Budgets, ScenarioFault> {
    let Some(field) = root.get("budgets") else { return Ok(Budgets::default()) };
    let table = field.table("[budgets]")?;
    let allowed: Vec<_> = figure_names().chain(OTHERS).collect();
    known(&table, &allowed, "budget", "in [budgets]")?;
    let mut rules = vec![Rule { of: Vec::new(), budgets: figures(&table)? }];
    if let Some(field) = table.get("where") {
        for entry in field.list("a list of tables: [[budgets.where]]")? {
            rules.push(rule(entry, users)?);
        }
    }
    rules.retain(|rule| !rule.budgets.is_empty());
    Ok(Budgets {
        rules,
        allow: table.get("allow").map_or(Ok(Vec::new()), findings)?,
        across_builds: table.get("across_builds").map_or(Ok(false), |field| field.boolean())?,
    })
}

fn figure_names() -> impl Iterator<Item = &'static str> {
    Figure::ALL.into_iter().map(Figure::name)
}

fn known(table: &KeyTable, allowed: &[&str], what: &str, place: &str) -> Result<(), ScenarioFault> {
    match table.fields().find(|field| !allowed.contains(&field.name)) {
        Some(stray) => Err(table.key_fault(stray.name, unknown(what, stray.name, place, allowed))),
        None => Ok(()),
    }
}

/// An entry of `where`: values of axes, and the budgets of the variants that have them. A value that the matrix
/// has not is no mistake: fewer may be run than there are budgets for.
fn rule(entry: Field, users: &UserNames) -> Result<Rule, ScenarioFault> {
    let table = entry.table("[[budgets.where]]")?;
    let own = users.axes.iter().map(|(axis, _)| Axis::Own(*axis));
    let axes: Vec<Axis> = Axis::ALL.iter().copied().chain(own).collect();
    let mut allowed: Vec<&str> = axes.iter().map(|axis| axis.name()).collect();
    figure_names().for_each(|name| allowed.push(name));
    known(&table, &allowed, "axis or budget", "in [[budgets.where]]")?;
    let mut of = Vec::new();
    for &axis in &axes {
        if let Some(field) = table.get(axis.name()) {
            of.push((axis.to_string(), AxisValue::read(axis, field, users)?.to_string()));
        }
    }
    if of.is_empty() {
        return Err(
            entry.fault("[[budgets.where]] names no axis: budgets for all variants go into [budgets]")
        );
    }
    // A user's axis may have the name of a figure: then it is the axis that is meant.
    let mut budgets = figures(&table)?;
    budgets.retain(|(figure, _)| of.iter().all(|(axis, _)| axis != figure.name()));
    Ok(Rule { of, budgets })
}

fn figures(table: &KeyTable) -> Result<Vec<(Figure, Budget)>, ScenarioFault> {
    let given = Figure::ALL.into_iter().filter_map(|figure| Some((figure, table.get(figure.name())?)));
    given.map(|(figure, field)| Ok((figure, budget(figure, field)?))).collect()
}

/// A limit, or a table with it and more.
fn budget(figure: Figure, field: Field) -> Result<Budget, ScenarioFault> {
    if !matches!(field.value(), Value::Table(_)) {
        return Ok(Budget { limit: Some(amount(figure, field)?), ..Budget::default() });
    }
    let slack_key = if figure.less_is_worse() { "less" } else { "more" };
    let table = field.table(format!("`{}`", field.name))?.only(&[LIMIT, slack_key, "soft"])?;
    let budget = Budget {
        limit: table.get(LIMIT).map(|field| amount(figure, field)).transpose()?,
        slack: table.get(slack_key).map(|field| slack(figure, field)).transpose()?,
        soft: table.get("soft").map(|field| field.boolean()).transpose()?,
    };
    if budget.limit.is_none() && budget.slack.is_none() {
        return Err(field.fault(format!("`{}` has neither `limit` nor `{slack_key}`", field.name)));
    }
    Ok(budget)
}

/// `"5%"`, an amount, or a list of both.
fn slack(figure: Figure, field: Field) -> Result<Slack, ScenarioFault> {
    let mut slack = Slack::default();
    for item in field.one_or_more()? {
        match item.value() {
            Value::Text(text) if text.trim_end().ends_with('%') => slack.share = share(item, text)?,
            // A forgotten % would be five bytes.
            Value::Whole(_) | Value::Number(_)
                if matches!(figure.unit(), FigureUnit::Bytes | FigureUnit::Seconds) =>
            {
                return Err(item.mismatch("a share like \"5%\", or an amount with its unit"));
            }
            _ => slack.amount = amount(figure, item)?,
        }
    }
    Ok(slack)
}

fn share(field: Field, text: &str) -> Result<f64, ScenarioFault> {
    let number = text.trim_end().trim_end_matches('%').trim().parse::<f64>().ok();
    let percent = number.filter(|percent| (0.0..=1000.0).contains(percent));
    percent.map(|percent| percent / 100.0).ok_or_else(|| field.mismatch("a share like \"5%\""))
}

fn amount(figure: Figure, field: Field) -> Result<f64, ScenarioFault> {
    let wanted = match figure.unit() {
        FigureUnit::Bytes => "an amount of memory like \"400MiB\", or a number of bytes",
        FigureUnit::Seconds => "a time like \"40ms\", or a number of seconds",
        FigureUnit::FramesPerSecond => "a number of frames per second",
        FigureUnit::Count => "a whole number",
    };
    let found = match (figure.unit(), field.value()) {
        (FigureUnit::Bytes, Value::Text(text)) => {
            text.parse::<ByteSize>().ok().map(|size| size.as_u64() as f64)
        }
        (FigureUnit::Seconds, Value::Text(text)) => seconds(text),
        (FigureUnit::Count, Value::Number(_)) => None,
        _ => field.number(),
    };
    found.filter(|number| (0.0..1e18).contains(number)).ok_or_else(|| field.mismatch(wanted))
}

/// Milliseconds and microseconds, which no length of a clip is written in, and what is.
fn seconds(text: &str) -> Option<f64> {
    let small = |unit: &str| text.strip_suffix(unit)?.trim().parse::<f64>().ok();
    if let Some(milliseconds) = small("ms") {
        return Some(milliseconds / 1e3);
    }
    if let Some(microseconds) = small("µs").or_else(|| small("us")) {
        return Some(microseconds / 1e6);
    }
    match text.parse() {
        Ok(Time::Seconds(seconds)) => Some(seconds),
        _ => None,
    }
}

fn findings(field: Field) -> Result<Vec<String>, ScenarioFault> {
    let mut found = Vec::new();
    for item in field.one_or_more()? {
        let text = item.text("a finding like \"GROWS\"")?;
        if !FAILING_FINDINGS.contains(&text) {
            return Err(item.fault(unknown("finding", text, "", &FAILING_FINDINGS)));
        }
        found.push(text.to_string());
    }
    Ok(found)
}
