-- How a GenerationService stands, for Argo CD (docs/gitops.md).
local status = obj.status or {}
if status.observedGeneration ~= obj.metadata.generation then
  return { status = "Progressing", message = "The operator has not looked at this generation yet" }
end

local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type] = condition
end
local ready, stalled, objectives = conditions.Ready, conditions.Stalled, conditions.ObjectivesMet
local reconciling = conditions.Reconciling

if stalled ~= nil and stalled.status == "True" then
  return { status = "Degraded", message = stalled.reason .. ": " .. stalled.message }
end
if ready == nil then
  return { status = "Progressing", message = "The operator has not judged it yet" }
end
if ready.status ~= "True" then
  return { status = "Progressing", message = ready.reason .. ": " .. ready.message }
end
if reconciling ~= nil and reconciling.status == "True" then
  return { status = "Progressing", message = reconciling.reason .. ": " .. reconciling.message }
end
if ready.reason == "Paused" then
  return { status = "Suspended", message = ready.message }
end
-- Too slow is no fault of what was rolled out: the sync went well, and the message says what is missing.
if objectives ~= nil and objectives.status == "False" then
  return { status = "Healthy", message = "Objectives are not met: " .. objectives.message }
end
return { status = "Healthy", message = ready.message }
