//! Whether JSON fits its schema, and has nothing that the schema does not name.

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::Value;

/// A schema, compiled.
pub struct ClosedSchema {
    schemas: Schemas,
    index: SchemaIndex,
}

impl ClosedSchema {
    /// A schema of which each object refuses fields that are not described. The published schemas allow them, because a
    /// later version of memreel may add some.
    pub fn of(mut schema: Value) -> ClosedSchema {
        close(&mut schema);
        let (mut compiler, mut schemas) = (Compiler::new(), Schemas::new());
        compiler.add_resource("schema.json", schema).unwrap();
        let index = compiler.compile("schema.json", &mut schemas).unwrap_or_else(|error| panic!("{error:#}"));
        ClosedSchema { schemas, index }
    }

    /// Why a text does not fit; `None` where it does.
    pub fn misfit(&self, text: &str) -> Option<String> {
        let document = serde_json::from_str(text).unwrap_or_else(|error| panic!("no JSON ({error}): {text}"));
        let found = self.schemas.validate(&document, self.index).err();
        found.map(|error| format!("{error:#}\n{document:#}"))
    }
}

fn close(schema: &mut Value) {
    match schema {
        Value::Object(keywords) => {
            keywords.values_mut().for_each(close);
            if keywords.get("properties").is_some_and(Value::is_object) {
                keywords.insert("additionalProperties".into(), false.into());
            }
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => (),
    }
}
