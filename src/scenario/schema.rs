//! The JSON schema of scenario files, for editors; the reader's own messages are better.

use serde_json::{Value, json};

use super::{SCHEMA, Scenario};

/// The schema as a document, shorthands included.
pub fn json_schema() -> Value {
    let mut schema = schemars::schema_for!(Scenario).to_value();
    schema["title"] = json!("drdrill scenario");
    let shorthands = [
        ("Rpo", json!({ "const": "any" })),
        ("Victim", json!({ "$ref": "#/$defs/Selector" })),
        ("OutOfMemory", json!({ "$ref": "#/$defs/Selector" })),
        ("Descriptors", json!({ "$ref": "#/$defs/Selector" })),
        ("Disk", json!({ "$ref": "#/$defs/Selector" })),
        ("Move", json!({ "const": "planned" })),
        ("Pinned", json!({ "$ref": "#/$defs/Duration" })),
    ];
    for (name, shorthand) in shorthands {
        let whole = schema["$defs"][name].take();
        let description = whole["description"].clone();
        schema["$defs"][name] = json!({ "description": description, "anyOf": [shorthand, whole] });
    }
    // YAML writes `quorum: 2` and `fsync: true` without quotes.
    for (name, map) in [("SystemSpec", "settings"), ("MustFail", "with")] {
        schema["$defs"][name]["properties"][map]["additionalProperties"] =
            json!({ "type": ["string", "number", "boolean"] });
    }
    beside_steps(&mut schema);
    schema["properties"]["schema"] =
        json!({ "const": SCHEMA, "description": "The version of this language." });
    without_null(&mut schema);
    schema
}

/// `targets: any` may stand beside a step that may interrupt service.
fn beside_steps(schema: &mut Value) {
    let any = json!({
        "const": "any",
        "description": "What clients see of this step, and of its heal, is measured and not judged.",
    });
    let Some(Value::Array(steps)) = schema["$defs"]["Step"].get_mut("oneOf") else {
        return;
    };
    for step in steps {
        let keys = ["fault", "consumer", "switchover", "failback"];
        if keys.iter().any(|key| step["properties"].get(key).is_some()) {
            step["properties"]["targets"] = any.clone();
        }
    }
}

/// The reader takes a missing key and no `null`; the derive allows both.
fn without_null(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if let Some(Value::Array(ways)) = map.get_mut("anyOf") {
                ways.retain(|way| way["type"] != "null");
            }
            if let Some(Value::Array(types)) = map.get_mut("type") {
                types.retain(|name| name != "null");
            }
            map.values_mut().for_each(without_null);
        }
        Value::Array(items) => items.iter_mut().for_each(without_null),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
