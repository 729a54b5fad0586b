return {
  name = "worker-hearings",
  fields = { { config = { type = "record", fields = {} } } },
}
