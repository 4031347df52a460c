//! What a pickle calls and refers to, described instead of done.

use super::objects::{Global, Storage, Tensor, Value};
use super::{Machine, Reason, natural, underflow};

impl Machine<'_> {
    /// What calling a global would give, described; what is not known how to describe is opaque.
    pub(super) fn call(&mut self, callable: Value, arguments: Value) -> Result<Value, Reason> {
        let described = match callable {
            Value::Global(global) => self.describe(global, arguments)?,
            _ => None,
        };
        described
            .or_else(|| self.objects.opaque(callable))
            .ok_or_else(|| "its pickle calls what cannot be called".into())
    }

    fn describe(&mut self, global: Global, arguments: Value) -> Result<Option<Value>, Reason> {
        Ok(match (global, self.objects.sequence(arguments).unwrap_or_default()) {
            (Global::OrderedDict, []) => Some(self.objects.new_dict()),
            (Global::OrderedDict, &[items]) => self.ordered_dict(items)?,
            (Global::RebuildParameter, [tensor @ Value::Tensor(_), ..]) => Some(*tensor),
            (Global::Size, [sizes @ Value::Tuple(_)]) => Some(*sizes),
            (Global::RebuildTensor, &[Value::Storage(storage), offset, shape, strides, ref rest @ ..]) => {
                // After requires_grad and hooks: whether values are to be negated or conjugated when read.
                let metadata = rest.get(2).and_then(|metadata| self.objects.dict(*metadata));
                if metadata.is_some_and(|dict| !dict.is_empty()) {
                    return Ok(None);
                }
                self.tensor(storage, offset, shape, strides)?
            }
            // A tensor with attributes of its own: the function that makes it, its class, arguments, attributes.
            (Global::RebuildFromType, &[Value::Global(global @ Global::RebuildTensor), class, arguments, ..]) => {
                let class = self.objects.made_by(class).unwrap_or_default();
                let is_plain = ["torch.Tensor", "torch._tensor.Tensor", "torch.nn.parameter.Parameter"];
                if is_plain.contains(&class.as_str()) { self.describe(global, arguments)? } else { None }
            }
            _ => None,
        })
    }

    fn tensor(&mut self, storage: usize, offset: Value, shape: Value, strides: Value) -> Result<Option<Value>, Reason> {
        let improper = "its pickle describes a tensor without a proper shape";
        let offset = natural(offset).ok_or(improper)?;
        let mut sizes = |value| {
            let sizes = self.objects.sequence(value)?;
            self.copies = self.copies.checked_sub(sizes.len())?;
            sizes.iter().map(|&size| natural(size)).collect::<Option<Vec<_>>>()
        };
        let (shape, strides) = sizes(shape).zip(sizes(strides)).ok_or(improper)?;
        self.objects.tensors.push(Tensor { storage, offset, shape, strides });
        Ok(Some(Value::Tensor(self.objects.tensors.len() - 1)))
    }

    /// A dict of a list of pairs, which is how Python 2 wrote an OrderedDict; of anything else there is no description.
    fn ordered_dict(&mut self, items: Value) -> Result<Option<Value>, Reason> {
        let Some(items) = self.objects.sequence(items) else { return Ok(None) };
        self.copies =
            self.copies.checked_sub(items.len()).ok_or("its pickle repeats the same arguments without end")?;
        let pair = |&item: &Value| match self.objects.sequence(item) {
            Some(&[key, value]) => Some((key, value)),
            _ => None,
        };
        let Some(pairs) = items.iter().map(pair).collect::<Option<Vec<_>>>() else { return Ok(None) };
        self.objects.dicts.push(pairs);
        Ok(Some(Value::Dict(self.objects.dicts.len() - 1)))
    }

    /// What a persistent id stands for: `("storage", type, key, device, length, view?)`, or, in the older format,
    /// `("module", class, file, source)`. A storage of a type that is not known is opaque.
    pub(super) fn persistent(&mut self, id: Value) -> Result<Value, Reason> {
        let unknown = "its pickle refers to a storage in an unknown way";
        let (tag, of) = match self.objects.sequence(id) {
            Some(&[tag, of, ..]) => (self.objects.string(tag), of),
            _ => return Err(unknown.into()),
        };
        match (tag, of) {
            (Some(b"module"), class) => Ok(class),
            (Some(b"storage"), Value::Global(Global::Storage(_))) => self.storage(id),
            (_, of) => self.objects.opaque(of).ok_or_else(|| unknown.into()),
        }
    }

    pub(super) fn set(&mut self) -> Result<Value, Reason> {
        let class = self.objects.global(b"builtins", b"set");
        self.objects.opaque(class).ok_or_else(underflow)
    }

    fn storage(&mut self, id: Value) -> Result<Value, Reason> {
        let objects = &self.objects;
        let described = (|| {
            let (&[tag, Value::Global(Global::Storage(element)), key, _, len, ref view @ ..], b"storage") =
                (objects.sequence(id)?, objects.string(*objects.sequence(id)?.first()?)?)
            else {
                return None;
            };
            let _: Value = tag;
            let offset = match view.first() {
                None | Some(Value::None) => 0,
                Some(&view) => natural(*objects.sequence(view)?.get(1)?)?,
            };
            Some(Storage { element, key: objects.string(key)?, len: natural(len)?, offset })
        })();
        self.objects.storages.push(described.ok_or("its pickle refers to a storage in an unknown way")?);
        Ok(Value::Storage(self.objects.storages.len() - 1))
    }
}
