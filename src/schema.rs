//! JSON Schemas of all JSON that memreel writes, made from the types that it writes, with their descriptions.

use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema};
use serde_json::Value;

use crate::cli::{InspectRecord, PlanRecord, SummaryFacts};
use crate::headroom::HeadroomRecord;
use crate::report::checks::CheckRecord;
use crate::report::verdicts::VerdictRecord;
use crate::report::{RecordingLine, SummaryRecord};
use crate::store::ResultIndex;
use memreel_trace::{RecordingRecord, RunRecord};

/// A JSON document that memreel writes.
pub struct JsonDocument {
    /// The name of its schema's file, without `.json`.
    pub name: &'static str,
    /// Its schema.
    pub schema: Schema,
}

/// Every JSON document that memreel writes: files first, then what commands print.
pub fn documents() -> [JsonDocument; 11] {
    [
        document::<ResultIndex>("result", "result.json of memreel run"),
        document::<SummaryRecord>("summary", "summary.json of memreel run"),
        document::<RunRecord>("run", "run.json of a job of memreel run"),
        document::<RecordingRecord>("recording", "recording.json of memreel record"),
        document::<CheckRecord>("check-output", "memreel check --json"),
        document::<HeadroomRecord>("headroom", "headroom.json of memreel headroom"),
        document::<InspectRecord>("inspect-output", "memreel inspect --json"),
        document::<VerdictRecord>("judge-output", "A line of memreel judge --json"),
        document::<PlanRecord>("plan-output", "memreel plan --format json"),
        document::<SummaryFacts>("record-output", "memreel record --json"),
        document::<RecordingLine>("summary-output", "A line of memreel summary --json"),
    ]
}

/// The schema of a type as it is written. The title names the format's version, where the document has one.
fn document<T: JsonSchema>(name: &'static str, title: &str) -> JsonDocument {
    let settings = SchemaSettings::draft2020_12().for_serialize().with_transform(OneLine);
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    let format = schema.pointer("/properties/format/const").and_then(Value::as_str);
    let title = format.map_or(title.to_string(), |format| format!("{title}, format {format}"));
    schema.insert("title".into(), title.into());
    JsonDocument { name, schema }
}

/// Joins the lines of descriptions, which are as long as those of the source.
#[derive(Clone)]
struct OneLine;

impl Transform for OneLine {
    fn transform(&mut self, schema: &mut Schema) {
        if let Some(Value::String(text)) = schema.get_mut("description") {
            *text = text.replace("\n\n", "\0").replace('\n', " ").replace('\0', "\n\n");
        }
        transform_subschemas(self, schema);
    }
}

#[cfg(test)]
#[path = "../tests/support/json_schema.rs"]
mod json_schema;

/// Asserts that a document is what its schema says, and nothing more.
#[cfg(test)]
#[track_caller]
pub fn assert_fits(name: &str, text: &str) {
    let document = documents().into_iter().find(|document| document.name == name).unwrap();
    assert_eq!(json_schema::ClosedSchema::of(document.schema.to_value()).misfit(text), None, "{name}");
}
