//! A fault in a file: its name, with its keys below it, or its name alone.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, EnumAccess, VariantAccess, Visitor, value::UnitDeserializer},
};
use serde_json::{Value, json};

use super::*;

macro_rules! serialise {
    ($($module:ident: $Kind:ident,)*) => {
        const NAMES: &[&str] = &[$($Kind::FACTS.name),*];

        impl Serialize for Fault {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $(Self::$Kind(kind) => write(kind, serializer),)*
                }
            }
        }

        impl<'de> Visitor<'de> for Reader {
            type Value = Fault;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a fault")
            }

            fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<Fault, A::Error> {
                let (name, keys) = data.variant::<String>()?;
                $(
                    if name == $Kind::FACTS.name {
                        return read::<$Kind, A::Variant>(keys).map(Fault::from);
                    }
                )*
                Err(de::Error::unknown_variant(&name, NAMES))
            }
        }

        impl JsonSchema for Fault {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                "Fault".into()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                let kinds: Vec<Value> = vec![$(schema::<$Kind>(generator)),*];
                json_schema!({ "description": "One fault.", "oneOf": kinds })
            }
        }
    };
}

for_each_fault!(serialise);

struct Reader;

impl<'de> Deserialize<'de> for Fault {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_enum("Fault", NAMES, Reader)
    }
}

fn write<K: Vocabulary + Serialize, S: Serializer>(
    kind: &K,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match K::FACTS.keys {
        Some(_) => serializer.serialize_newtype_variant("Fault", 0, K::FACTS.name, kind),
        None => serializer.serialize_unit_variant("Fault", 0, K::FACTS.name),
    }
}

fn read<'de, K: Vocabulary + Deserialize<'de>, A: VariantAccess<'de>>(
    keys: A,
) -> Result<K, A::Error> {
    if K::FACTS.keys.is_some() {
        return keys.newtype_variant();
    }
    keys.unit_variant()?;
    K::deserialize(UnitDeserializer::<A::Error>::new())
}

fn schema<K: Vocabulary + JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    let Facts {
        name, schema, keys, ..
    } = K::FACTS;
    match keys {
        Some(_) => json!({
            "type": "object",
            "description": schema,
            "properties": { name: generator.subschema_for::<K>() },
            "required": [name],
            "additionalProperties": false,
        }),
        None => json!({ "type": "string", "const": name, "description": schema }),
    }
}
