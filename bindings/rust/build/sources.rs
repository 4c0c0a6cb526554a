// SPDX-License-Identifier: Apache-2.0
//! Where the C sources lie, which of them make what, and with which flags.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// The C sources: `csrc` of a packaged crate, or the project's tree around this folder.
pub struct Tree {
    pub root: PathBuf,
    pub is_packaged: bool,
}

impl Tree {
    pub fn find() -> Tree {
        let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR"));
        let packaged = here.join("csrc");
        let is_packaged = packaged.is_dir();
        let root = if is_packaged { packaged } else { here.join("../..") };
        let tree = Tree { root, is_packaged };
        println!("cargo:rerun-if-changed={}", tree.root.join("src").display());
        println!("cargo:rerun-if-changed={}", tree.root.join("include").display());
        tree
    }

    /// The files of a folder below `src` with one of the endings, sorted: the build's order is always the same.
    pub fn files(&self, folder: &str, endings: &[&str]) -> Vec<PathBuf> {
        let folder = self.root.join("src").join(folder);
        let mut files: Vec<PathBuf> = fs::read_dir(&folder)
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|end| endings.iter().any(|e| end == *e)))
            .collect();
        files.sort();
        files
    }

    /// What every C file is compiled with.
    pub fn compiler(&self) -> cc::Build {
        let mut build = cc::Build::new();
        build.std("gnu17").warnings(false).pic(true).opt_level(2).debug(true).cargo_metadata(false);
        build.define("_GNU_SOURCE", None).define("_FILE_OFFSET_BITS", "64");
        build.flag("-fvisibility=hidden").flag("-fno-strict-overflow").flag("-fno-strict-aliasing");
        build.include(self.root.join("src")).include(self.root.join("include"));
        build
    }

    /// The hooks, with the flags that src/capture/meson.build gives for code that runs inside malloc.
    pub fn capture(&self, exe: &str) -> cc::Build {
        let mut build = self.compiler();
        for flag in
            ["-fno-builtin", "-fno-stack-protector", "-ftls-model=initial-exec", "-fno-omit-frame-pointer", "-fno-plt", "-fcf-protection"]
        {
            build.flag(flag);
        }
        build.define("MEMSCOPE_EXE_PATH", Some(format!("\"{exe}\"").as_str()));
        for folder in ["capture", "capture/tasks", "api"] {
            build.files(self.files(folder, &["c"]));
        }
        build.files(self.files("capture/cpu/x86_64", &["S"]));
        build
    }
}

/// True when the C compiler finds a header.
pub fn has_header(header: &str, out: &Path) -> bool {
    let probe = out.join("probe.c");
    fs::write(&probe, format!("#include <{header}>\n")).expect("OUT_DIR can be written");
    let compiler = cc::Build::new().cargo_metadata(false).get_compiler();
    let status = compiler.to_command().arg("-fsyntax-only").arg(&probe).output();
    status.is_ok_and(|output| output.status.success())
}
