//! Which layer may use which, which library belongs to which files, and what `config` may take
//! of the layers it configures.

use super::{
    Violation,
    sources::{File, Reference, Sources, Target},
};

/// Each layer with those it may use beside itself. `lib` is what the crate's root itself defines.
const LAYERS: [(&str, &[&str]); 11] = [
    ("main", &["cli", "config", "environment", "lib"]),
    ("cli", &["config", "mcp", "explain", "sandbox", "environment", "lib"]),
    ("config", &["mcp", "app", "api", "domain", "environment"]),
    ("mcp", &["explain", "app", "domain", "model", "lib"]),
    ("explain", &["app", "domain", "api", "model"]),
    ("app", &["domain", "api", "model"]),
    ("api", &["domain", "model", "environment", "lib"]),
    ("domain", &["model"]),
    ("model", &[]),
    ("environment", &[]),
    ("sandbox", &[]),
];

/// `doctor` looks at the API itself, and words its failures as tools do.
const DOCTOR: (&str, &[&str]) = ("src/cli/doctor", &["app", "api"]);

/// Libraries that not every file may name, with the beginnings of the paths that may.
const LIBRARIES: [(&str, &[&str]); 6] = [
    ("rmcp", &["src/mcp", "src/cli/demo.rs"]),
    ("reqwest", &["src/api"]),
    ("clap", &["src/main.rs", "src/cli", "src/config"]),
    ("clap_complete", &["src/cli"]),
    ("redis", &["src/app/store/redis.rs"]),
    ("axum", &["src/sandbox", "src/mcp/transport/http"]),
];

pub(crate) fn violations(sources: &Sources) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, file) in &sources.files {
        for reference in sources.references(file) {
            if let Some(rule) = broken_rule(sources, path, file, &reference) {
                violations.push(Violation {
                    file: path.clone(),
                    line: reference.line,
                    rule,
                    text: reference.text,
                });
            }
        }
    }
    violations
}

fn broken_rule(
    sources: &Sources,
    path: &str,
    file: &File,
    reference: &Reference,
) -> Option<String> {
    let own = file.layer();
    let target = match &reference.target {
        Target::Own(target) => target,
        Target::Other(library) => {
            let (_, allowed) = LIBRARIES.iter().find(|(name, _)| name == library)?;
            let is_allowed = allowed.iter().any(|prefix| path.starts_with(prefix));
            return (!is_allowed).then(|| format!("may not name {library}"));
        }
    };
    let layer = target.first().map_or("lib", String::as_str);
    let layer = if LAYERS.iter().any(|(name, _)| *name == layer) { layer } else { "lib" };
    let allowed = LAYERS.iter().find(|(name, _)| *name == own);
    let allowed = allowed.map_or(&[] as &[&str], |(_, allowed)| allowed);
    if own == layer || own == "lib" {
        return None;
    }
    let (doctor, further) = DOCTOR;
    let is_allowed =
        allowed.contains(&layer) || path.starts_with(doctor) && further.contains(&layer);
    if !is_allowed {
        // A path through a module in scope repeats what its `use` declaration broke.
        return (!reference.is_relative).then(|| format!("{own} may not use {layer}"));
    }
    let takes_settings = target.iter().any(|part| part == "settings" || part == "Settings");
    let configures = own == "config" && ["mcp", "app", "api"].contains(&layer);
    (configures && !takes_settings && !sources.is_module(target))
        .then(|| format!("config may only use settings of {layer}"))
}
