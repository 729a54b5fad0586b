-- Logs when this worker hears that an entity was changed: until then it serves what it has in its cache.
local CHANNEL = "mlcache:invalidations:kong_core_db_cache"

local Handler = { PRIORITY = 1, VERSION = "1.0.0" }

function Handler:init_worker()
  ngx.update_time()
  local began = ngx.now()
  kong.worker_events.register(function(key)
    ngx.update_time()
    ngx.log(ngx.NOTICE, "[worker-hearings] worker=", ngx.worker.pid(), " began=", began, " now=", ngx.now(), " key=", key, ";")
  end, "mlcache", CHANNEL)
end

return Handler
