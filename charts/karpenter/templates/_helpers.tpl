{{- /* Names, labels, and how values become texts. */}}

{{- define "karpenter.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{- /* The release's name, with the chart's behind it unless it is in there already. */}}
{{- define "karpenter.fullname" -}}
{{- $name := .Values.nameOverride | default .Chart.Name -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- .Values.fullnameOverride | default $full | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{- define "karpenter.serviceAccountName" -}}
{{- $otherwise := ternary (include "karpenter.fullname" .) "default" .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default $otherwise -}}
{{- end }}

{{- /* What tells the pods of this release from all others. */}}
{{- define "karpenter.selectorLabels" -}}
app.kubernetes.io/name: {{ include "karpenter.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- /* A map whose values are texts, whatever they were. */}}
{{- define "karpenter.texts" -}}
{{- range $key, $value := . }}
{{ $key | quote }}: {{ include "karpenter.scalar" $value | quote }}
{{- end }}
{{- end }}

{{- /* Name, namespace, labels and annotations of an object: root, name, and as wanted namespace,
labels, annotations. */}}
{{- define "karpenter.metadata" -}}
{{- $root := .root -}}
name: {{ .name | quote }}
{{- with .namespace }}
namespace: {{ . | quote }}
{{- end }}
labels:
  helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" | quote }}
  {{- include "karpenter.selectorLabels" $root | nindent 2 }}
  app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
  app.kubernetes.io/managed-by: {{ $root.Release.Service | quote }}
  {{- with mergeOverwrite (dict) ($root.Values.additionalLabels | default dict) (.labels | default dict) }}
  {{- include "karpenter.texts" . | trim | nindent 2 }}
  {{- end }}
{{- with mergeOverwrite (dict) ($root.Values.additionalAnnotations | default dict) (.annotations | default dict) }}
annotations:
  {{- include "karpenter.texts" . | trim | nindent 2 }}
{{- end }}
{{- end }}

{{- define "karpenter.image" -}}
{{- $image := .Values.controller.image -}}
{{- $image.repository }}:{{ include "karpenter.scalar" ($image.tag | default .Chart.AppVersion) }}
{{- with $image.digest }}@{{ . }}{{ end }}
{{- end }}

{{- /* Terms about pods that name none are about those of this release. */}}
{{- define "karpenter.affinity" -}}
{{- $selector := dict "matchLabels" (include "karpenter.selectorLabels" . | fromYaml) -}}
{{- $affinity := deepCopy .Values.affinity -}}
{{- range list "podAffinity" "podAntiAffinity" -}}
{{- $rules := get $affinity . | default dict -}}
{{- range get $rules "requiredDuringSchedulingIgnoredDuringExecution" | default list -}}
{{- if not (hasKey . "labelSelector") }}{{ $_ := set . "labelSelector" $selector }}{{ end -}}
{{- end -}}
{{- range get $rules "preferredDuringSchedulingIgnoredDuringExecution" | default list -}}
{{- if not (hasKey .podAffinityTerm "labelSelector") }}{{ $_ := set .podAffinityTerm "labelSelector" $selector }}{{ end -}}
{{- end -}}
{{- end -}}
{{- toYaml $affinity -}}
{{- end }}

{{- define "karpenter.topologySpreadConstraints" -}}
{{- $selector := dict "matchLabels" (include "karpenter.selectorLabels" . | fromYaml) -}}
{{- $constraints := deepCopy .Values.topologySpreadConstraints -}}
{{- range $constraints -}}
{{- if not (hasKey . "labelSelector") }}{{ $_ := set . "labelSelector" $selector }}{{ end -}}
{{- end -}}
{{- toYaml $constraints -}}
{{- end }}

{{- define "karpenter.leaseName" -}}
{{- include "karpenter.text" (dict "root" . "value" .Values.settings.leaderElectionName) | default "karpenter-leader-election" -}}
{{- end }}

{{- define "karpenter.leaseNamespace" -}}
{{- include "karpenter.text" (dict "root" . "value" .Values.settings.leaderElectionNamespace) | default .Release.Namespace -}}
{{- end }}

{{- /* A value as a text: nothing for null, no exponents, YAML for what is not scalar. */}}
{{- define "karpenter.scalar" -}}
{{- if kindIs "invalid" . -}}
{{- else if or (kindIs "map" .) (kindIs "slice" .) -}}
{{- if . }}{{ toYaml . }}{{ end -}}
{{- else if and (kindIs "float64" .) (eq . (floor .)) -}}
{{- int64 . -}}
{{- else -}}
{{- toString . -}}
{{- end -}}
{{- end }}

{{- /* The same, after it was evaluated as a template. */}}
{{- define "karpenter.text" -}}
{{- $text := include "karpenter.scalar" .value -}}
{{- if contains "{{" $text }}{{ tpl $text .root }}{{ else }}{{ $text }}{{ end -}}
{{- end }}

{{- /* Text of a setting, in today's spelling or the older one: root, key, default, older. */}}
{{- define "karpenter.value" -}}
{{- $today := include "karpenter.text" (dict "root" .root "value" (get .root.Values.settings .key)) -}}
{{- $before := include "karpenter.olderValue" . -}}
{{- if eq $before "" -}}
{{- $today -}}
{{- else if or (eq $today .default) (eq $today "") (eq $today $before) -}}
{{- $before -}}
{{- else -}}
{{- fail (printf "settings.%s is %q and its older spelling settings.aws.%s is %q: give one of them" .key $today .older $before) -}}
{{- end -}}
{{- end }}

{{- /* Text of a setting in its older spelling; empty if it is not used. */}}
{{- define "karpenter.olderValue" -}}
{{- $aws := .root.Values.settings.aws | default dict -}}
{{- if and .older (hasKey $aws .older) -}}
{{- include "karpenter.text" (dict "root" .root "value" (get $aws .older)) -}}
{{- end -}}
{{- end }}

{{- /* A line about a setting whose older spelling is used. */}}
{{- define "karpenter.olderLine" -}}
{{- if ne (include "karpenter.olderValue" .) "" }}
  settings.aws.{{ .older }} is settings.{{ .key }} today
{{- end }}
{{- end }}

{{- /* A variable, unless its value is empty or null: the program's default applies then. */}}
{{- define "karpenter.setting" -}}
{{- $text := include "karpenter.value" . -}}
{{- if and (eq .env "CLUSTER_NAME") (eq $text "") -}}
{{- fail "Chart cannot be installed without a valid settings.clusterName!" -}}
{{- end -}}
{{- if ne $text "" }}
- name: {{ .env }}
  value: {{ $text | quote }}
{{- end }}
{{- end }}

{{- /* Whether a feature is on: root, of, key, default. */}}
{{- define "karpenter.gate" -}}
{{- $gates := get .root.Values.settings .of | default dict -}}
{{- include "karpenter.text" (dict "root" .root "value" (get $gates .key)) | default .default -}}
{{- end }}
