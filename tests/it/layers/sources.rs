//! The files of `src` without their tests, and what the paths in them mean.

use std::{collections::BTreeMap, fs};

use super::{
    lexer::{Located, tokens},
    uses::{Path, paths, without_tests},
};

pub(crate) struct Sources {
    pub(crate) files: BTreeMap<String, File>,
    /// The file of each module; the crate's root is the empty path.
    modules: BTreeMap<Vec<String>, String>,
}

pub(crate) struct File {
    pub(crate) module: Vec<String>,
    pub(crate) tokens: Vec<Located>,
    paths: Vec<Path>,
}

/// A path that a file names, and what it means.
#[derive(Debug)]
pub(crate) struct Reference {
    pub(crate) line: usize,
    pub(crate) text: String,
    pub(crate) target: Target,
    /// It begins with the name of a module that the file has in scope.
    pub(crate) is_relative: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// Of this crate, from its root.
    Own(Vec<String>),
    /// Of another crate, or of something in scope: the first segment.
    Other(String),
}

impl Sources {
    /// Reads every file of `src`.
    pub(crate) fn of_this_crate() -> Self {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut folders = vec![root.join("src")];
        let mut files = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    let name = path.strip_prefix(root).expect("a file of the crate");
                    let name = name.to_string_lossy().replace('\\', "/");
                    files.push((name, fs::read_to_string(&path).expect("a source")));
                }
            }
        }
        Self::new(files)
    }

    /// Of paths from the crate's folder, and contents.
    pub(crate) fn new(files: impl IntoIterator<Item = (String, String)>) -> Self {
        let files: BTreeMap<String, File> = files
            .into_iter()
            .filter(|(path, _)| !is_test(path))
            .map(|(path, source)| {
                let file = File::new(&path, &source);
                (path, file)
            })
            .collect();
        let modules = files.iter();
        let modules = modules.map(|(path, file)| (file.module.clone(), path.clone()));
        Self { modules: modules.collect(), files }
    }

    /// The file that holds what a path from the root means: that of its longest prefix that is a
    /// module.
    pub(crate) fn file_of(&self, path: &[String]) -> &str {
        let mut prefixes = (0..=path.len()).rev().map(|length| &path[..length]);
        let file = prefixes.find_map(|prefix| self.modules.get(prefix));
        file.map_or("src/lib.rs", String::as_str)
    }

    /// Whether a path from the root is a module, and no item of one.
    pub(crate) fn is_module(&self, path: &[String]) -> bool {
        self.modules.contains_key(path)
    }

    pub(crate) fn references(&self, file: &File) -> Vec<Reference> {
        let modules_in_scope = self.modules_in_scope(file);
        let reference = |path: &Path| {
            let (target, is_relative) = self.target(file, path, &modules_in_scope);
            Reference { line: path.line, text: path.segments.join("::"), target, is_relative }
        };
        file.paths.iter().map(reference).collect()
    }

    /// Modules that a `use` declaration of the file gives a name.
    fn modules_in_scope(&self, file: &File) -> BTreeMap<String, Vec<String>> {
        let named = file.paths.iter().filter_map(|path| {
            let alias = path.alias.clone()?;
            match self.target(file, path, &BTreeMap::new()) {
                (Target::Own(module), _) if self.is_module(&module) => Some((alias, module)),
                _ => None,
            }
        });
        named.collect()
    }

    fn target(
        &self,
        file: &File,
        path: &Path,
        modules_in_scope: &BTreeMap<String, Vec<String>>,
    ) -> (Target, bool) {
        let mut module = file.module.clone();
        module.extend(path.within.iter().cloned());
        let mut rest = path.segments.as_slice();
        match path.segments[0].as_str() {
            "crate" | "managed_sessions_mcp" => {
                module.clear();
                rest = &rest[1..];
            }
            "self" => rest = &rest[1..],
            "super" => {
                while rest.first().is_some_and(|first| first == "super") {
                    module.pop();
                    rest = &rest[1..];
                }
            }
            first => {
                let child: Vec<String> = module.iter().cloned().chain([first.to_owned()]).collect();
                let in_scope = modules_in_scope.get(first).cloned();
                let Some(found) = Some(child).filter(|child| self.is_module(child)).or(in_scope)
                else {
                    return (Target::Other(first.to_owned()), false);
                };
                let target = found.into_iter().chain(rest[1..].iter().cloned());
                return (Target::Own(target.collect()), true);
            }
        }
        module.extend(rest.iter().cloned());
        (Target::Own(module), false)
    }
}

impl File {
    fn new(path: &str, source: &str) -> Self {
        let module = path.trim_start_matches("src/").trim_end_matches(".rs");
        let module = module.split('/').map(str::to_owned);
        let tokens = without_tests(&tokens(source));
        Self {
            module: module.filter(|name| name != "lib").collect(),
            paths: paths(&tokens),
            tokens,
        }
    }

    /// Its layer: `lib` for the crate's root, else the first module of its path.
    pub(crate) fn layer(&self) -> &str {
        self.module.first().map_or("lib", String::as_str)
    }
}

fn is_test(path: &str) -> bool {
    path.split('/').any(|part| ["tests", "tests.rs"].contains(&part))
}
