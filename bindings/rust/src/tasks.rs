// SPDX-License-Identifier: Apache-2.0
//! Tasks that memscope cannot see by itself: requests, jobs, and futures on runtimes that it has no rules for.
//!
//! Tokio, async-std, smol and what is built on async-task need none of this.

use crate::ffi;
use crate::marks::c_text;
use std::ffi::CString;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

/// Ids of this module begin here, far from those that a C part of the program may choose.
static NEXT: AtomicU64 = AtomicU64::new(1 << 48);

/// What this thread allocates while it lives counts as one task's. Belongs to its thread.
#[derive(Debug)]
#[must_use = "the task is left when this is dropped"]
pub struct TaskScope {
    id: u64,
    thread: PhantomData<*const ()>,
}

/// Begins a task that lasts until the guard is dropped.
pub fn task_scope(name: &str) -> TaskScope {
    let id = NEXT.fetch_add(1, Ordering::Relaxed);
    unsafe { ffi::memscope_task_enter(id, c_text(name).as_ptr()) };
    TaskScope { id, thread: PhantomData }
}

impl TaskScope {
    /// The task's id, as outputs show it.
    pub fn id(&self) -> u64 {
        self.id
    }
}

impl Drop for TaskScope {
    fn drop(&mut self) {
        unsafe {
            ffi::memscope_task_leave();
            ffi::memscope_task_end(self.id);
        }
    }
}

/// A future whose polls count as one task, whichever thread polls it.
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct Tracked<F> {
    /// None once it was dropped, within its task.
    future: Option<F>,
    name: CString,
    id: u64,
}

/// Wraps a future: what its polls, and its drop, allocate and free counts as a task of that name.
pub fn track<F: Future>(name: &str, future: F) -> Tracked<F> {
    Tracked { future: Some(future), name: c_text(name), id: NEXT.fetch_add(1, Ordering::Relaxed) }
}

/// Leaves the task also when the future panics.
struct Entered;

impl Entered {
    fn new(id: u64, name: &CString) -> Entered {
        unsafe { ffi::memscope_task_enter(id, name.as_ptr()) };
        Entered
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        unsafe { ffi::memscope_task_leave() };
    }
}

impl<F: Future> Future for Tracked<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        // The future is pinned with the wrapper and is only dropped in place.
        let this = unsafe { self.get_unchecked_mut() };
        let _entered = Entered::new(this.id, &this.name);
        let future = this.future.as_mut().expect("not dropped yet");
        unsafe { Pin::new_unchecked(future) }.poll(context)
    }
}

impl<F> Drop for Tracked<F> {
    fn drop(&mut self) {
        {
            let _entered = Entered::new(self.id, &self.name);
            self.future = None;
        }
        unsafe { ffi::memscope_task_end(self.id) };
    }
}
