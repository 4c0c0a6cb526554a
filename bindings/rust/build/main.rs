// SPDX-License-Identifier: Apache-2.0
//! Builds the C library into the crate, and the `memscope` command that collects for it.
//!
//! The library is a static archive: the program that links it exports its malloc, so every allocation of the
//! process, also those of C code in it, passes the hooks. The command exists twice: linked into the crate's
//! executable, which `cargo install` builds, with crates that read debug information; and, where elfutils'
//! headers are, as a file beside the crate's other build results, for programs that use the crate.
//! `MEMSCOPE_BUILD` names a build directory of the project to take that from, for the executable too.

mod sources;
mod tool;

use std::env;
use std::path::PathBuf;

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let target = env::var("TARGET").unwrap_or_default();
    println!("cargo:rerun-if-env-changed=MEMSCOPE_BUILD");
    println!("cargo:rustc-check-cfg=cfg(memscope_taken)");
    assert!(target.starts_with("x86_64-") && target.contains("linux-gnu"), "memscope works on x86-64 Linux with glibc, not on {target}");
    let tree = sources::Tree::find();
    let taken = tool::take(&out);
    // Cargo builds the executable of the package that it was asked for, not of those that it depends on.
    let wants_command = env::var_os("CARGO_FEATURE_COMMAND").is_some() && option_env!("CARGO_PRIMARY_PACKAGE").is_some();
    if let Some(exe) = &taken {
        println!("cargo:rustc-cfg=memscope_taken");
        println!("cargo:rustc-env=MEMSCOPE_TAKEN_EXE={}", exe.display());
    } else if wants_command {
        tool::build_command(&tree, &out);
    }
    // What `cargo install` builds lies elsewhere in the end: there the executable is the command.
    let exe = match taken {
        None if wants_command && tree.is_packaged => None,
        None => tool::build(&tree, &out),
        taken => taken,
    };
    // A program looks for the command here before PATH.
    let exe = exe.map(|path| path.display().to_string()).unwrap_or_default();
    tree.capture(&exe).compile("memscope_hooks");
    println!("cargo:rustc-link-search=native={}", out.display());
    println!("cargo:rustc-link-lib=static:+whole-archive,-bundle=memscope_hooks");
}
