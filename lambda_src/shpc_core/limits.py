"""How much one job and one request may ask for, each bound with its reason.

A number beyond these is refused by name where it enters, before anything is read, reserved or
fanned out for it.
"""

from __future__ import annotations

# An IDX header counts its items in 32 bits.
MAX_ITEMS = 2**32 - 1
# Children that one Distributed Map can hold:
# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
MAX_SHARDS = 10_000
SHARDS_PER_GROUP = 100
MAX_GROUPS = MAX_SHARDS // SHARDS_PER_GROUP
# A shard is held whole, twice while it is read: 160 MB at this size, in the 512 MB that the
# catalogue asks for; and at a tenth of the speed that was measured it still takes less than 300 s.
MAX_SHARD_SIZE = 100_000
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
MAX_KEY_BYTES = 1024
