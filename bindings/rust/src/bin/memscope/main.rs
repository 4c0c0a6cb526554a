// SPDX-License-Identifier: Apache-2.0
//! The `memscope` command as `cargo install` brings it.
//!
//! It is the C command, linked in; `symbols` reads debug information for it. The library for the programs that
//! are recorded must be a file that their loader can open, and cargo installs nothing but executables. So the
//! library, and a copy of the executable beside it, go into the user's cache once per version, and that copy runs.

#[cfg(not(memscope_taken))]
mod symbols;

#[cfg(not(memscope_taken))]
mod unpack;

/// In a build that takes the command from elsewhere (MEMSCOPE_BUILD) this only starts it.
#[cfg(memscope_taken)]
fn main() -> std::process::ExitCode {
    use std::os::unix::process::CommandExt;
    let error = std::process::Command::new(env!("MEMSCOPE_TAKEN_EXE")).arg0("memscope").args(std::env::args_os().skip(1)).exec();
    eprintln!("memscope: {}: {error}", env!("MEMSCOPE_TAKEN_EXE"));
    std::process::ExitCode::from(125)
}

#[cfg(not(memscope_taken))]
fn main() {
    unpack::settle();
    std::process::exit(command::run());
}

#[cfg(not(memscope_taken))]
mod command {
    use libz_sys as _;
    use std::ffi::{c_char, c_int, CString};
    use std::os::unix::ffi::OsStringExt;
    use std::ptr;
    use zstd_sys as _;

    #[link(name = "memscope_command", kind = "static", modifiers = "+whole-archive,-bundle")]
    extern "C" {
        fn memscope_main(argc: c_int, argv: *mut *mut c_char) -> c_int;
    }

    pub fn run() -> c_int {
        // The kernel's words hold no 0.
        let words: Vec<CString> = std::env::args_os().filter_map(|word| CString::new(word.into_vec()).ok()).collect();
        let mut argv: Vec<*mut c_char> = words.iter().map(|word| word.as_ptr().cast_mut()).collect();
        argv.push(ptr::null_mut());
        let argc = c_int::try_from(words.len()).expect("the kernel limits arguments");
        // What Rust changed for itself is as the shell had it: programs that are run inherit it.
        unsafe { signal(SIGPIPE, SIG_DFL) };
        unsafe { memscope_main(argc, argv.as_mut_ptr()) }
    }

    const SIGPIPE: c_int = 13;
    const SIG_DFL: usize = 0;

    extern "C" {
        fn signal(number: c_int, handler: usize) -> usize;
    }
}
