//! Circles of files: one uses an item of another that, over however many more, uses an item of
//! the first.

use std::collections::{BTreeMap, VecDeque};

use super::{
    Violation,
    sources::{Sources, Target},
};

pub(crate) const RULE: &str = "in a circle of files";

/// For each file, the files it uses, with the first line and path that do.
type Graph<'a> = BTreeMap<&'a str, BTreeMap<&'a str, (usize, String)>>;

/// Of each file that is in a circle, the shortest one.
pub(crate) fn violations(sources: &Sources) -> Vec<Violation> {
    let graph = graph(sources);
    let circles = graph.keys().filter_map(|start| circle(&graph, start));
    circles.collect()
}

/// A path to a module uses nothing of it yet; what follows the module's name elsewhere does.
fn graph(sources: &Sources) -> Graph<'_> {
    let mut graph = Graph::new();
    for (path, file) in &sources.files {
        let uses = graph.entry(path).or_default();
        for reference in sources.references(file) {
            if let Target::Own(target) = &reference.target
                && !sources.is_module(target)
                && sources.file_of(target) != path
            {
                uses.entry(sources.file_of(target)).or_insert((reference.line, reference.text));
            }
        }
    }
    graph
}

fn circle(graph: &Graph<'_>, start: &str) -> Option<Violation> {
    let mut came_from = BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(file) = queue.pop_front() {
        for next in graph.get(file)?.keys() {
            if *next == start {
                came_from.insert(start, file);
                return Some(shown(graph, start, &came_from));
            }
            if !came_from.contains_key(next) {
                came_from.insert(next, file);
                queue.push_back(next);
            }
        }
    }
    None
}

fn shown(graph: &Graph<'_>, start: &str, came_from: &BTreeMap<&str, &str>) -> Violation {
    let mut steps = Vec::new();
    let mut file = start;
    loop {
        let previous = came_from[file];
        let (line, text) = &graph[previous][file];
        steps.push((previous, *line, text));
        if previous == start {
            break;
        }
        file = previous;
    }
    steps.reverse();
    let shown = steps.iter().map(|(file, line, text)| format!("{file}:{line} uses {text}"));
    Violation {
        file: start.to_owned(),
        line: steps[0].1,
        rule: RULE.to_owned(),
        text: shown.collect::<Vec<_>>().join(", "),
    }
}
