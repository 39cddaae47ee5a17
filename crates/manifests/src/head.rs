//! What an object is called, read without looking at the rest of it.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// `apiVersion`, `kind` and names of an object.
#[derive(Debug, Default)]
pub(crate) struct Head {
    pub(crate) api_version: Option<String>,
    pub(crate) kind: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) namespace: Option<String>,
}

impl Head {
    /// The head of a text that is known to be JSON. The rest is not read once all is known.
    pub(crate) fn read(text: &str) -> Result<Self, serde_json::Error> {
        let mut reading = Reading::default();
        let read = reading.deserialize(&mut serde_json::Deserializer::from_str(text));
        if !reading.is_complete() {
            read?;
        }
        Ok(reading.head)
    }
}

/// A JSON document: one object, and what it lists.
#[derive(Debug, Default)]
pub(crate) struct Document<'a> {
    pub(crate) head: Head,
    /// The texts under `items`, if there is such a list.
    pub(crate) items: Option<Vec<&'a RawValue>>,
}

impl<'de> serde::Deserialize<'de> for Document<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut reading = Reading {
            goal: Goal::All,
            ..Reading::default()
        };
        reading.deserialize(deserializer)?;
        Ok(Self {
            head: reading.head,
            items: reading.items,
        })
    }
}

/// When to stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Goal {
    /// Once the head is known.
    #[default]
    Head,
    /// At the end.
    All,
}

#[derive(Debug, Default)]
struct Reading<'a> {
    goal: Goal,
    head: Head,
    has_metadata: bool,
    items: Option<Vec<&'a RawValue>>,
}

impl Reading<'_> {
    fn is_complete(&self) -> bool {
        self.goal == Goal::Head
            && self.has_metadata
            && self.head.api_version.is_some()
            && self.head.kind.is_some()
    }
}

impl<'de> DeserializeSeed<'de> for &mut Reading<'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for &mut Reading<'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a Kubernetes object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Key>()? {
            match key {
                Key::ApiVersion => self.head.api_version = map.next_value()?,
                Key::Kind => self.head.kind = map.next_value()?,
                Key::Metadata => {
                    if let Some(Names { name, namespace }) = map.next_value()? {
                        self.head.name = name;
                        self.head.namespace = namespace;
                    }
                    self.has_metadata = true;
                }
                Key::Items if self.goal == Goal::All => {
                    let Items(items) = map.next_value()?;
                    self.items = items;
                }
                Key::Items | Key::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            if self.is_complete() {
                // Ends the reading; the caller sees that all is known.
                return Err(A::Error::custom("enough"));
            }
        }
        Ok(())
    }
}

#[derive(serde::Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum Key {
    ApiVersion,
    Kind,
    Metadata,
    Items,
    #[serde(other)]
    Other,
}

#[derive(serde::Deserialize)]
struct Names {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    namespace: Option<String>,
}

/// What stands under `items`: the texts of a list, nothing of anything else.
struct Items<'a>(Option<Vec<&'a RawValue>>);

impl<'de> serde::Deserialize<'de> for Items<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ItemsVisitor).map(Self)
    }
}

struct ItemsVisitor;

impl<'de> Visitor<'de> for ItemsVisitor {
    type Value = Option<Vec<&'de RawValue>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Some(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}
