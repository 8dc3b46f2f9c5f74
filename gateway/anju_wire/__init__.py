"""The language that Anju's parts speak over MQTT: vocabulary, topics, messages and the shared clock."""
