{{- define "genops.name" -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "genops.labels" -}}
app.kubernetes.io/name: genops
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "genops.selector" -}}
app.kubernetes.io/name: genops
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* What the operator may do in a namespace that it looks after. */}}
{{- define "genops.rules" -}}
- apiGroups: [genops.dev]
  resources: [generationservices, performancepolicies]
  verbs: [get, list, watch]
- apiGroups: [genops.dev]
  resources: [generationservices]
  verbs: [patch] # its own finalizer
- apiGroups: [genops.dev]
  resources: [generationservices/status, performancepolicies/status]
  verbs: [patch]
- apiGroups: [genops.dev]
  resources: [generationservices/finalizers]
  verbs: [update] # to own objects that block its deletion
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
  verbs: [list, watch, create, patch, delete]
- apiGroups: [keda.sh]
  resources: [scaledobjects]
  verbs: [get, patch] # the floor of one, with mode FloorOnly
- apiGroups: [apps]
  resources: [deployments, statefulsets]
  verbs: [get, list, watch]
- apiGroups: ['']
  resources: [pods]
  verbs: [list, watch]
- apiGroups: [metrics.k8s.io]
  resources: [pods]
  verbs: [list] # cpu and memory
- apiGroups: ['']
  resources: [configmaps]
  verbs: [get, list, watch, create, update] # the state that survives restarts
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end -}}
