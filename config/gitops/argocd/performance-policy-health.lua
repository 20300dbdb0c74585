-- How a PerformancePolicy stands, for Argo CD (docs/gitops.md).
local status = obj.status or {}
if status.observedGeneration == obj.metadata.generation then
  for _, condition in ipairs(status.conditions or {}) do
    if condition.type == "Accepted" then
      return { status = condition.status == "True" and "Healthy" or "Degraded", message = condition.message }
    end
  end
end
return { status = "Progressing", message = "The operator has not looked at this generation yet" }
