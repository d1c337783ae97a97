//! What the variants measured, as the files of other programs have it: the middle of the repeats and their ends.

use crate::report::{Report, VariantRow};
use memreel_judge::analysis::Spread;
use memreel_judge::budget::{Figure, Figures};
use memreel_judge::compare::alike;

/// A variant of which something was measured.
pub struct MeasuredVariant {
    /// Its name in the report.
    pub name: String,
    /// Its name in files, which does not depend on what else is varied: `melt-single`.
    pub slug: String,
    /// Each figure that a repeat which finished measured, in the figure's unit.
    pub figures: Vec<(Figure, Spread)>,
}

/// The variants of which an export finished, in the order of the plan.
pub fn measured(report: &Report) -> Vec<MeasuredVariant> {
    report.variants().iter().map(variant).filter(|variant| !variant.figures.is_empty()).collect()
}

fn variant(variant: &VariantRow<'_>) -> MeasuredVariant {
    let runs = variant.runs();
    let slug = variant.jobs.iter().map(|job| job.planned.slug()).find(|slug| !slug.is_empty());
    let spread = |figure| Some((figure, spread(&runs, figure)?));
    MeasuredVariant {
        name: variant.name.clone(),
        slug: slug.unwrap_or(&variant.name).to_string(),
        figures: Figure::ALL.into_iter().filter_map(spread).collect(),
    }
}

fn spread(runs: &[Figures], figure: Figure) -> Option<Spread> {
    let [numbers] = alike(figure, [runs]);
    Spread::of(&numbers)
}
