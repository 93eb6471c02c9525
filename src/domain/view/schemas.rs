//! Leaves the schemas of custom tools out of answers that they would make too large.

use serde_json::Value;

use super::bound::length;

const SCHEMA: &str = "input_schema";

/// Takes the largest schemas out of custom tools until `excess` bytes are saved. Returns how many.
pub(crate) fn take_schemas<'a>(
    tools: impl IntoIterator<Item = &'a mut Value>,
    excess: usize,
) -> usize {
    let is_custom = |tool: &Value| tool.get("type").is_some_and(|kind| kind == "custom");
    let custom = tools.into_iter().filter(|tool| is_custom(tool));
    let schemas = custom.filter_map(|tool| {
        let length = length(tool.get(SCHEMA)?);
        Some((length, tool))
    });
    let mut schemas: Vec<(usize, &mut Value)> = schemas.collect();
    schemas.sort_by_key(|(length, _)| std::cmp::Reverse(*length));
    let (mut taken, mut saved) = (0, 0);
    for (length, tool) in schemas {
        if saved >= excess {
            break;
        }
        if let Value::Object(fields) = tool
            && fields.shift_remove(SCHEMA).is_some()
        {
            taken += 1;
            saved += length + SCHEMA.len() + 4;
        }
    }
    taken
}
