//! Calls of the best instruction set of a file that the processor has.

use crate::emit::absolute::Absolute;
use crate::machine::Gate;
use crate::plan::Plan;
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

/// The lints that the type's own code may break. Variables are unused where a file has no instruction set for the processor.
pub(crate) fn allow_calls() -> TokenStream {
    quote! {
        #[allow(
            unsafe_code,
            unreachable_pub,
            dead_code,
            unused_variables,
            clippy::all,
            clippy::pedantic,
            clippy::restriction,
            reason = "generated: calls kernels only where the processor supports them, and offers more than one program uses"
        )]
    }
}

/// The whole network on one thread: from `image`, in `arena`, to `output`, which tells `after` of each step.
pub(super) fn run_alone(
    plan: &Plan,
    runtime: &TokenStream,
    module: &Ident,
    isas: &TokenStream,
    after: &TokenStream,
) -> TokenStream {
    let Absolute { f32, .. } = &Absolute::new();
    let call = quote!(run(self.weights, image, arena, output, &mut #after));
    // Where the processor has no instruction set of this file.
    let none = quote!({
        output.fill(#f32::NAN);
    });
    dispatch(plan, runtime, module, isas, &call, none)
}

/// `let isas = ..;`, for several calls of [`dispatch`] with one answer; nothing where it does not depend on the processor.
pub(super) fn available(plan: &Plan, runtime: &TokenStream) -> TokenStream {
    let is_needed = plan.schedules.first().is_some_and(|first| !first.isa.is_portable());
    if is_needed { quote!(let isas = #runtime::isa::available();) } else { quote!() }
}

/// Calls the best instruction set of the file that is among `isas`, or does `none`.
///
/// A file compiles for any processor: an arm has the condition of the module that it calls.
pub(super) fn dispatch(
    plan: &Plan,
    runtime: &TokenStream,
    module: &Ident,
    isas: &TokenStream,
    call: &TokenStream,
    none: TokenStream,
) -> TokenStream {
    let known = plan.schedules.iter().map(|schedule| Arm { name: schedule.isa.name, gate: schedule.isa.gate });
    arms(known, runtime, module, isas, call, none)
}

/// An instruction set of a file.
pub(crate) struct Arm {
    /// Its name; in capitals, that of its constant in the runtime.
    pub(crate) name: &'static str,
    /// Where its code is compiled.
    pub(crate) gate: Gate,
}

/// As [`dispatch`], for instruction sets of any number type, best first.
pub(crate) fn arms(
    known: impl Iterator<Item = Arm>,
    runtime: &TokenStream,
    module: &Ident,
    isas: &TokenStream,
    call: &TokenStream,
    none: TokenStream,
) -> TokenStream {
    let (mut arms, mut last) = (TokenStream::new(), none);
    for Arm { name, gate } in known {
        let (constant, name) = (format_ident!("{}", name.to_uppercase()), format_ident!("{name}"));
        let call = quote!(unsafe { #module::#name::#call });
        if gate == Gate::ANY {
            last = quote!({ #call });
            break;
        }
        let gate = gate.attribute();
        arms.extend(quote!(#gate isas if isas.contains(#runtime::isa::#constant) => { #call }));
    }
    if arms.is_empty() { last } else { quote!(match #isas { #arms _ => #last }) }
}
