"""The science and the shard format: pure functions that know neither AWS SDKs nor event shapes."""
