//! The scope of a layer.

use std::any::{TypeId, type_name};

/// The scope of a layer. Layers of different scopes keep sessions of their own.
#[derive(Clone, Copy)]
pub(crate) struct Scope {
    pub(crate) id: TypeId,
    pub(crate) name: &'static str,
}

impl Scope {
    /// Returns the scope of layers that set none.
    pub(crate) fn default_scope() -> Self {
        Self::of::<()>()
    }

    pub(crate) fn of<T: 'static>() -> Self {
        Self { id: TypeId::of::<T>(), name: type_name::<T>() }
    }

    pub(crate) fn is_default(self) -> bool {
        self.id == TypeId::of::<()>()
    }
}
