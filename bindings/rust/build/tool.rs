// SPDX-License-Identifier: Apache-2.0
//! The `memscope` command and libmemscope.so, as files beside the crate's other build results.

use crate::sources::{has_header, Tree};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

pub struct Tool {
    pub exe: PathBuf,
}

/// Header that must be there, the package that brings it on Debian, what the linker takes.
const LIBRARIES: [(&str, &str, &str); 6] = [
    ("elfutils/libdwfl.h", "libdw-dev", "-ldw"),
    ("libelf.h", "libelf-dev", "-lelf"),
    ("libiberty/demangle.h", "libiberty-dev", "-liberty"),
    ("lzma.h", "liblzma-dev", "-llzma"),
    ("zstd.h", "libzstd-dev", "-lzstd"),
    ("zlib.h", "zlib1g-dev", "-lz"),
];
const FOLDERS: [&str; 9] = ["base", "recording", "symbol", "launch", "heap", "collect", "analyze", "export", "cli"];
/// Files of other targets, or the variant without liblzma.
const NOT_THE_TOOL: [&str; 2] = ["arrive.c", "minidebug-none.c"];

/// Builds both, or takes them from MEMSCOPE_BUILD. None, with a warning, where something is missing: the
/// crate then needs a `memscope` in PATH.
pub fn build(tree: &Tree, out: &Path) -> Option<Tool> {
    let exe = out.join("memscope");
    let library = out.join("libmemscope.so");
    if let Some(built) = env::var_os("MEMSCOPE_BUILD").map(PathBuf::from) {
        let from = [built.join("src/cli/memscope"), built.join("src/capture/libmemscope.so")];
        if from.iter().all(|path| path.is_file()) {
            for (from, to) in from.iter().zip([&exe, &library]) {
                println!("cargo:rerun-if-changed={}", from.display());
                replace(from, to);
            }
            return Some(Tool { exe });
        }
    }
    let missing: Vec<&str> = LIBRARIES.iter().filter(|l| !has_header(l.0, out)).map(|l| l.1).collect();
    if !missing.is_empty() {
        println!("cargo:warning=the memscope command is not built; on Debian or Ubuntu: apt-get install {}", missing.join(" "));
        for path in [&exe, &library] {
            fs::write(path, b"").expect("OUT_DIR can be written");
        }
        return None;
    }
    link_library(tree, out, &library);
    link_exe(tree, out, &exe);
    Some(Tool { exe })
}

/// Copies a file that may be running: the old one is replaced, not written into.
fn replace(from: &Path, to: &Path) {
    let part = to.with_extension("part");
    fs::copy(from, &part).and_then(|_| fs::rename(&part, to)).unwrap_or_else(|error| panic!("{}: {error}", to.display()));
}

fn run(command: &mut Command) {
    let status = command.status().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(status.success(), "{command:?} failed");
}

fn link(tree: &Tree, what: &cc::Build, folder: PathBuf, output: &Path, arguments: &[&str]) {
    fs::create_dir_all(&folder).expect("OUT_DIR can be written");
    let mut what = what.clone();
    let objects = what.out_dir(&folder).compile_intermediates();
    let mut command = tree.compiler().get_compiler().to_command();
    command.args(objects).args(arguments).arg("-o").arg(output.with_extension("part"));
    run(&mut command);
    fs::rename(output.with_extension("part"), output).expect("OUT_DIR can be written");
}

fn link_library(tree: &Tree, out: &Path, library: &Path) {
    let map = format!("-Wl,--version-script={}", tree.root.join("src/api/memscope.map").display());
    let arguments = ["-shared", &map, "-Wl,-soname,libmemscope.so", "-Wl,-z,now", "-Wl,-z,nodelete", "-Wl,-z,noexecstack"];
    link(tree, &tree.capture(""), out.join("library"), library, &arguments);
}

fn link_exe(tree: &Tree, out: &Path, exe: &Path) {
    let mut build = tree.compiler();
    let version = env::var("CARGO_PKG_VERSION").unwrap_or_default();
    build.define("MEMSCOPE_VERSION_TEXT", Some(format!("\"{version}\"").as_str()));
    let page = report_page(tree, out);
    build.define("REPORT_TEMPLATE", Some(format!("\"{}\"", page.display()).as_str())).include(out);
    for folder in FOLDERS {
        let files = tree.files(folder, &["c", "S"]);
        build.files(files.into_iter().filter(|path| !NOT_THE_TOOL.iter().any(|name| path.ends_with(name))));
    }
    let mut arguments: Vec<&str> = LIBRARIES.iter().map(|l| l.2).collect();
    arguments.extend(["-lm", "-lpthread"]);
    link(tree, &build, out.join("tool"), exe, &arguments);
}

/// The HTML report's page: from the package, or built by node; else empty, and `-e html` says so.
fn report_page(tree: &Tree, out: &Path) -> PathBuf {
    let page = out.join("report.html");
    let header = out.join("report_template.h");
    let packaged = tree.root.join("report.html");
    if packaged.is_file() {
        replace(&packaged, &page);
        fs::write(&header, "#define REPORT_TEMPLATE_SUM 0\n").expect("OUT_DIR can be written");
        return page;
    }
    let script = tree.root.join("src/export/template.sh");
    run(Command::new("sh").arg(script).arg(tree.root.join("web")).arg(&page).arg(&header).arg("auto"));
    page
}
