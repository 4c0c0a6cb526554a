# SPDX-License-Identifier: Apache-2.0
"""Holds a JSON value to the part of JSON Schema that docs/memscope.schema.json uses."""

import re

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
KNOWN = {"$schema", "$id", "$defs", "$ref", "title", "description", "type", "properties", "required",
         "additionalProperties", "items", "enum", "const", "pattern", "minimum", "maximum",
         "maxItems", "minItems"}


def is_type(value, name):
    if name == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if name == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])


def breaches(value, schema, root=None, at="$"):
    """Sentences that say where value breaks the schema."""
    root = root or schema
    unknown = set(schema) - KNOWN
    if unknown:
        raise ValueError("%s: this checker does not know %s" % (at, sorted(unknown)))
    if "$ref" in schema:
        return breaches(value, root["$defs"][schema["$ref"].split("/")[-1]], root, at)
    names = schema.get("type", [])
    names = names if isinstance(names, list) else [names]
    if names and not any(is_type(value, name) for name in names):
        return ["%s: %r is no %s" % (at, value, " or ".join(names))]
    found = []
    if "enum" in schema and value not in schema["enum"]:
        found.append("%s: %r is not among %s" % (at, value, schema["enum"]))
    if "const" in schema and value != schema["const"]:
        found.append("%s: %r is not %r" % (at, value, schema["const"]))
    if "pattern" in schema and not re.search(schema["pattern"], value):
        found.append("%s: %r does not match %s" % (at, value, schema["pattern"]))
    if is_type(value, "number"):
        if value < schema.get("minimum", value) or value > schema.get("maximum", value):
            found.append("%s: %r is out of range" % (at, value))
    if isinstance(value, dict):
        found += ["%s: no %s" % (at, key) for key in schema.get("required", []) if key not in value]
        properties = schema.get("properties", {})
        for key, part in value.items():
            if key in properties:
                found += breaches(part, properties[key], root, "%s.%s" % (at, key))
            elif schema.get("additionalProperties", True) is False:
                found.append("%s: %s is not in the schema" % (at, key))
    if isinstance(value, list):
        if len(value) > schema.get("maxItems", len(value)):
            found.append("%s: more than %d" % (at, schema["maxItems"]))
        for i, part in enumerate(value if "items" in schema else []):
            found += breaches(part, schema["items"], root, "%s[%d]" % (at, i))
    return found
