//! Attributes of a node by name.

use crate::proto::{AttributeValue, NodeProto, TensorProto};

/// The attributes of one node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attributes<'n, 'a>(pub(crate) &'n NodeProto<'a>);

impl<'n, 'a> Attributes<'n, 'a> {
    fn get(&self, name: &str) -> Option<&'n AttributeValue<'a>> {
        self.0.attributes.iter().find(|attribute| attribute.name == name).map(|attribute| &attribute.value)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    pub(crate) fn int(&self, name: &str, default: i64) -> Result<i64, String> {
        match self.get(name) {
            None => Ok(default),
            Some(AttributeValue::Int(value)) => Ok(*value),
            Some(_) => Err(wrong(name, "a whole number")),
        }
    }

    pub(crate) fn float(&self, name: &str, default: f32) -> Result<f32, String> {
        match self.get(name) {
            None => Ok(default),
            Some(AttributeValue::Float(value)) => Ok(*value),
            Some(_) => Err(wrong(name, "a number")),
        }
    }

    pub(crate) fn ints(&self, name: &str) -> Result<Option<&'n [i64]>, String> {
        match self.get(name) {
            None => Ok(None),
            Some(AttributeValue::Ints(values)) => Ok(Some(values)),
            // An empty list has nothing that would tell its kind in a file that does not say it.
            Some(_) => Err(wrong(name, "a list of whole numbers")),
        }
    }

    pub(crate) fn text(&self, name: &str, default: &'static str) -> Result<&'n str, String>
    where
        'a: 'n,
    {
        match self.get(name) {
            None => Ok(default),
            Some(AttributeValue::Text(bytes)) => std::str::from_utf8(bytes).map_err(|_| wrong(name, "UTF-8 text")),
            Some(_) => Err(wrong(name, "a text")),
        }
    }

    pub(crate) fn tensor(&self, name: &str) -> Result<Option<&'n TensorProto<'a>>, String> {
        match self.get(name) {
            None => Ok(None),
            Some(AttributeValue::Tensor(tensor)) => Ok(Some(tensor)),
            Some(_) => Err(wrong(name, "a tensor")),
        }
    }

    pub(crate) fn value(&self, name: &str) -> Option<&'n AttributeValue<'a>> {
        self.get(name)
    }
}

fn wrong(name: &str, expected: &str) -> String {
    format!("its attribute `{name}` is not {expected}")
}
