"""Series: the port for readings over time, with DuckDB and InfluxDB 2 behind it."""
