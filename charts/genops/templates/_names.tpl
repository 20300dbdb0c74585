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

{{/* Roles of the cluster for views: with the namespace, since releases of one name may each have some namespaces to look after. */}}
{{- define "genops.viewsRole" -}}
{{ .Release.Namespace }}:{{ include "genops.name" . }}-views
{{- end -}}

{{/* Whether anything is served over HTTPS. */}}
{{- define "genops.serves" -}}
{{- if or .Values.metricsAPI.enabled .Values.views.enabled }}yes{{ end -}}
{{- end -}}

{{/* The Secret with the certificate of what is served. */}}
{{- define "genops.tlsSecret" -}}
{{- .Values.certificate.secretName | default (printf "%s-tls" (include "genops.name" .)) -}}
{{- end -}}

{{/* Refuses a right in a namespace that the operator does not look after: nothing would use it. */}}
{{- define "genops.lookedAfter" -}}
{{- $namespaces := .root.Values.namespaces -}}
{{- if and $namespaces (not (has .namespace $namespaces)) -}}
{{- fail (printf "saw %s for the namespace %s, and namespaces %s without it; wanted one that the operator looks after: a right anywhere else is used by nothing; next: add %s to namespaces, or leave the entry out" .value .namespace (join "," $namespaces) .namespace) -}}
{{- end -}}
{{- end -}}

{{/* Refuses a second operator for a namespace, and a second in a namespace: they have one Lease. By the bindings that releases have: `lookup` finds nothing where no cluster is asked (helm template), and asks for no more than whoever installs may see: in namespaces, just these and its own. */}}
{{- define "genops.alone" -}}
{{- /* The rules of the operator itself: their role has the name of its ServiceAccount. */}}
{{- range $namespace := .Values.namespaces | default (list "") -}}
{{- include "genops.aloneBy" (dict "root" $ "kind" "RoleBinding" "in" $namespace "role" "%s") -}}
{{- end -}}
{{- if not .Values.namespaces -}}
{{- include "genops.aloneBy" (dict "root" . "kind" "ClusterRoleBinding" "in" "" "role" "%s") -}}
{{- end -}}
{{- range include "genops.others" (dict "root" . "kind" "RoleBinding" "in" .Release.Namespace "role" "%s-leader") | fromJsonArray -}}
{{- fail (printf "saw the release %s in %s already; wanted one release in a namespace: two have one Lease there, and the second never leads; next: install it in a namespace of its own" .name .namespace) -}}
{{- end -}}
{{- end -}}

{{- define "genops.aloneBy" -}}
{{- range include "genops.others" . | fromJsonArray -}}
{{- fail (printf "saw the release %s of %s, which looks after %s already; wanted one operator for each namespace: two take turns at the same objects; next: share the namespaces out by the value namespaces of both, each release in a namespace of its own, or helm uninstall %s -n %s (where kustomize put it: docs/uninstall.md)" .name .namespace (.in | default "every namespace") .name .namespace) -}}
{{- end -}}
{{- end -}}

{{/* ServiceAccounts of other releases that have the role named after them as `role` says, in the namespace `in` or everywhere. */}}
{{- define "genops.others" -}}
{{- $mine := printf "%s/%s" .root.Release.Namespace (include "genops.name" .root) -}}
{{- $others := list -}}
{{- $role := .role -}}
{{- range $binding := (lookup "rbac.authorization.k8s.io/v1" .kind .in "").items -}}
{{- if eq (dig "metadata" "labels" "app.kubernetes.io/name" "" $binding) "genops" -}}
{{- range $binding.subjects -}}
{{- if and (eq (printf $role .name) $binding.roleRef.name) (ne (printf "%s/%s" .namespace .name) $mine) -}}
{{- $others = append $others (dict "name" .name "namespace" .namespace "in" $binding.metadata.namespace) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toJson $others -}}
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
{{- if .Values.rights.vertical }}
- apiGroups: [autoscaling.k8s.io]
  resources: [verticalpodautoscalers]
  verbs: [list, create, patch, delete] # where vertical is declared
{{- end }}
{{- if .Values.rights.keda }}
- apiGroups: [keda.sh]
  resources: [scaledobjects]
  verbs: [get, patch] # the floor of one, with mode FloorOnly
{{- end }}
- apiGroups: [apps]
  resources: [deployments, statefulsets]
  verbs: [get, list, watch]
{{- if .Values.rights.scale }}
- apiGroups: [apps]
  resources: [deployments/scale, statefulsets/scale]
  verbs: [patch] # where a scaler acts without an HPA
{{- end }}
- apiGroups: ['']
  resources: [pods, resourcequotas]
  verbs: [list, watch]
{{- if .Values.rights.resize }}
- apiGroups: ['']
  resources: [pods/resize]
  verbs: [patch] # where resources is declared
{{- end }}
- apiGroups: ['']
  resources: [pods/eviction]
  verbs: [create] # where a rule of the optimizer evicts
- apiGroups: [gateway.networking.k8s.io]
  resources: [httproutes]
  verbs: [get, patch] # weights in one, where loadBalancer names it
- apiGroups: [metrics.k8s.io]
  resources: [pods]
  verbs: [list] # cpu and memory
- apiGroups: ['']
  resources: [configmaps]
  verbs: [get, list, watch, create, update] # the state that survives restarts
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- if .Values.nginx.image }}
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, create, patch, delete] # nginx that genops runs
- apiGroups: ['']
  resources: [services, serviceaccounts]
  verbs: [get, create, patch, delete]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, create, patch, delete]
- apiGroups: [rbac.authorization.k8s.io]
  resources: [roles, rolebindings]
  verbs: [get, create, patch, delete] # of its Pods; nobody can give a right that he has not
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [list, watch] # its Pods have it from here
{{- end }}
{{- end -}}
