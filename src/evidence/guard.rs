//! Work on what others wrote, which may panic: a decoder's or a judge's failure is a value, and nothing is printed.

use std::{
    cell::Cell,
    panic::{self, AssertUnwindSafe},
    sync::Once,
};

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Does it; `None` where it panicked. Sizes must have been looked at before: a failed allocation ends the process all the
/// same.
pub fn guarded<T>(deed: impl FnOnce() -> T) -> Option<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let loud = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !GUARDED.get() {
                loud(info);
            }
        }));
    });
    let before = GUARDED.replace(true);
    let done = panic::catch_unwind(AssertUnwindSafe(deed));
    GUARDED.set(before);
    done.ok()
}
