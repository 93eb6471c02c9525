//! Pages of lists.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::Value;

/// One page of a list.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The entries, in the order of the request.
    pub data: Vec<T>,
    /// The cursor of the next page; absent, null or empty at the end.
    pub next_page: Option<String>,
    /// The service says that there is more (`has_more`) and gives no cursor to it: it pages in
    /// another way, and the list cannot be read to its end.
    pub is_incomplete: bool,
}

/// `data` is required, or an error with HTTP status 200 would pass for an empty list. An entry or
/// a cursor that cannot be read fails the page, since it would be lost unnoticed.
impl<'de, T: DeserializeOwned> Deserialize<'de> for Page<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(bound = "T: DeserializeOwned")]
        struct Wire<T> {
            // Some services send null for `[]`; a field with `deserialize_with` is required.
            #[serde(deserialize_with = "Option::deserialize")]
            data: Option<Vec<FromObject<T>>>,
            #[serde(default)]
            next_page: Option<String>,
            #[serde(default)]
            has_more: Value,
        }
        let wire = Wire::deserialize(deserializer)?;
        let data = wire.data.unwrap_or_default();
        let next_page = wire.next_page.filter(|cursor| !cursor.is_empty());
        Ok(Self {
            data: data.into_iter().map(|entry| entry.0).collect(),
            is_incomplete: is_true(&wire.has_more) && next_page.is_none(),
            next_page,
        })
    }
}

/// Whether a service means yes; some write it as a text or a number.
fn is_true(flag: &Value) -> bool {
    match flag {
        Value::Bool(flag) => *flag,
        Value::String(text) => !["", "0", "false", "no"].contains(&text.to_lowercase().trim()),
        Value::Number(number) => number.as_f64() != Some(0.0),
        _ => false,
    }
}

/// Reads `T` from an object only; serde would also read a struct from an array, by position.
struct FromObject<T>(T);

impl<'de, T: DeserializeOwned> Deserialize<'de> for FromObject<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor<T>(PhantomData<T>);

        impl<'de, T: DeserializeOwned> Visitor<'de> for ObjectVisitor<T> {
            type Value = FromObject<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, entry: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(entry)).map(FromObject)
            }
        }

        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}
