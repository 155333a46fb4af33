"""What of a template is not compared: the hashes of assets and the tails of versions.

It decides that these two, and nothing else, are replaced by names. Both follow from the sources of
a function, whose every change would otherwise be a change of every template. A hash counts as one
only if the assembly lists that asset, and a tail only at the end of the logical ID of a version or
a deployment: any other text of 64 or 32 hexadecimal digits stays as it is.
"""

from __future__ import annotations

import re

from review.assembly import Assembly, read

_TAIL = re.compile(r"[0-9a-f]{32}$")
# CDK ends their logical IDs in a hash, so that a change makes a new one.
_WITH_TAIL = {
    "AWS::Lambda::Version",
    "AWS::ApiGateway::Deployment",
    "AWS::ApiGatewayV2::Deployment",
}


def masked_templates(assembly: Assembly) -> dict[str, str]:
    """Stack -> text of its template, as CDK wrote it but for the masks."""
    masks = _assets(assembly) | _versions(assembly)
    if not masks:
        return _texts(assembly)
    found = re.compile("|".join(map(re.escape, sorted(masks, key=len, reverse=True))))
    return {
        stack: found.sub(lambda match: masks[match[0]], text)
        for stack, text in _texts(assembly).items()
    }


def _texts(assembly: Assembly) -> dict[str, str]:
    return {
        stack: (assembly.folder / f"{stack}.template.json").read_text() for stack in assembly.stacks
    }


def _assets(assembly: Assembly) -> dict[str, str]:
    """Hash -> mask. An image's mask says which one it is: two that are swapped differ."""
    masks: dict[str, str] = {}
    for stack in assembly.stacks:
        assets = read(assembly.folder / f"{stack}.assets.json")
        masks |= dict.fromkeys(assets["files"], "<asset>")
        masks |= {
            key: f"<asset {image['source']['dockerFile']}>"
            for key, image in assets["dockerImages"].items()
        }
    return masks


def _versions(assembly: Assembly) -> dict[str, str]:
    return {
        logical_id: _TAIL.sub("<tail>", logical_id)
        for key, resource in assembly.resources().items()
        if resource["Type"] in _WITH_TAIL
        for logical_id in [key.partition("/")[2]]
    }
