{{- /* Made by `cargo xtask charts` from crates/install/src/values. */}}
{{- define "karpenter.featureGates" -}}
ReservedCapacity={{ include "karpenter.gate" (dict "root" $ "of" "featureGates" "key" "reservedCapacity" "default" "true") }},SpotToSpotConsolidation={{ include "karpenter.gate" (dict "root" $ "of" "featureGates" "key" "spotToSpotConsolidation" "default" "false") }},NodeRepair={{ include "karpenter.gate" (dict "root" $ "of" "featureGates" "key" "nodeRepair" "default" "false") }},NodeOverlay={{ include "karpenter.gate" (dict "root" $ "of" "featureGates" "key" "nodeOverlay" "default" "false") }},StaticCapacity={{ include "karpenter.gate" (dict "root" $ "of" "featureGates" "key" "staticCapacity" "default" "false") }},CapacityBuffer={{ include "karpenter.gate" (dict "root" $ "of" "featureGates" "key" "capacityBuffer" "default" "false") }}
{{- end }}

{{- define "karpenter.awsFeatureGates" -}}
NodeClassCEL={{ include "karpenter.gate" (dict "root" $ "of" "awsFeatureGates" "key" "nodeClassCEL" "default" "false") }}
{{- end }}

{{- define "karpenter.settings" -}}
{{- include "karpenter.setting" (dict "root" $ "key" "batchMaxDuration" "env" "BATCH_MAX_DURATION" "default" "10s") }}
{{- include "karpenter.setting" (dict "root" $ "key" "batchIdleDuration" "env" "BATCH_IDLE_DURATION" "default" "1s") }}
{{- include "karpenter.setting" (dict "root" $ "key" "preferencePolicy" "env" "PREFERENCE_POLICY" "default" "Respect") }}
{{- include "karpenter.setting" (dict "root" $ "key" "minValuesPolicy" "env" "MIN_VALUES_POLICY" "default" "Strict") }}
{{- if eq .Values.provider "aws" }}
{{- include "karpenter.setting" (dict "root" $ "key" "clusterCABundle" "env" "CLUSTER_CA_BUNDLE" "default" "" "older" "clusterCABundle") }}
{{- include "karpenter.setting" (dict "root" $ "key" "clusterName" "env" "CLUSTER_NAME" "default" "" "older" "clusterName") }}
{{- include "karpenter.setting" (dict "root" $ "key" "clusterEndpoint" "env" "CLUSTER_ENDPOINT" "default" "" "older" "clusterEndpoint") }}
{{- include "karpenter.setting" (dict "root" $ "key" "isolatedVPC" "env" "ISOLATED_VPC" "default" "false" "older" "isolatedVPC") }}
{{- include "karpenter.setting" (dict "root" $ "key" "eksControlPlane" "env" "EKS_CONTROL_PLANE" "default" "false") }}
{{- include "karpenter.setting" (dict "root" $ "key" "vmMemoryOverheadPercent" "env" "VM_MEMORY_OVERHEAD_PERCENT" "default" "0.075" "older" "vmMemoryOverheadPercent") }}
{{- include "karpenter.setting" (dict "root" $ "key" "interruptionQueue" "env" "INTERRUPTION_QUEUE" "default" "" "older" "interruptionQueueName") }}
{{- include "karpenter.setting" (dict "root" $ "key" "enableZonalShift" "env" "ENABLE_ZONAL_SHIFT" "default" "false") }}
{{- include "karpenter.setting" (dict "root" $ "key" "reservedENIs" "env" "RESERVED_ENIS" "default" "0" "older" "reservedENIs") }}
{{- end }}
{{- include "karpenter.setting" (dict "root" $ "key" "ignoreDRARequests" "env" "IGNORE_DRA_REQUESTS" "default" "true") }}
{{- include "karpenter.setting" (dict "root" $ "key" "disableClusterStateObservability" "env" "DISABLE_CLUSTER_STATE_OBSERVABILITY" "default" "false") }}
{{- if eq .Values.provider "aws" }}
{{- include "karpenter.setting" (dict "root" $ "key" "disableDryRun" "env" "DISABLE_DRY_RUN" "default" "false") }}
{{- include "karpenter.setting" (dict "root" $ "key" "amiRefreshInterval" "env" "AMI_REFRESH_INTERVAL" "default" "1m") }}
{{- include "karpenter.setting" (dict "root" $ "key" "subnetRefreshInterval" "env" "SUBNET_REFRESH_INTERVAL" "default" "1m") }}
{{- include "karpenter.setting" (dict "root" $ "key" "defaultInstanceProfile" "env" "DEFAULT_INSTANCE_PROFILE" "default" "" "older" "defaultInstanceProfile") }}
{{- include "karpenter.setting" (dict "root" $ "key" "rebalanceRecommendations" "env" "REBALANCE_RECOMMENDATIONS" "default" "Ignore") }}
{{- end }}
{{- include "karpenter.setting" (dict "root" $ "key" "labelNodesFromTaints" "env" "LABEL_NODES_FROM_TAINTS" "default" "true") }}
{{- include "karpenter.setting" (dict "root" $ "key" "schedulerConfig" "env" "SCHEDULER_CONFIG" "default" "") }}
{{- include "karpenter.setting" (dict "root" $ "key" "priceByCheapest" "env" "PRICE_BY_CHEAPEST" "default" "3") }}
{{- include "karpenter.setting" (dict "root" $ "key" "consolidationPayback" "env" "CONSOLIDATION_PAYBACK" "default" "4h") }}
{{- include "karpenter.setting" (dict "root" $ "key" "consolidationSettle" "env" "CONSOLIDATION_SETTLE" "default" "1m") }}
{{- include "karpenter.setting" (dict "root" $ "key" "initializationTimeout" "env" "INITIALIZATION_TIMEOUT" "default" "0s") }}
{{- include "karpenter.setting" (dict "root" $ "key" "kubeClientQPS" "env" "KUBE_CLIENT_QPS" "default" "200") }}
{{- include "karpenter.setting" (dict "root" $ "key" "kubeClientBurst" "env" "KUBE_CLIENT_BURST" "default" "300") }}
{{- include "karpenter.setting" (dict "root" $ "key" "enableProfiling" "env" "ENABLE_PROFILING" "default" "false") }}
{{- include "karpenter.setting" (dict "root" $ "key" "disableControllerWarmup" "env" "DISABLE_CONTROLLER_WARMUP" "default" "true") }}
{{- include "karpenter.setting" (dict "root" $ "key" "disableLeaderElection" "env" "DISABLE_LEADER_ELECTION" "default" "false") }}
{{- include "karpenter.setting" (dict "root" $ "key" "leaderElectionName" "env" "LEADER_ELECTION_NAME" "default" "karpenter-leader-election") }}
{{- include "karpenter.setting" (dict "root" $ "key" "leaderElectionNamespace" "env" "LEADER_ELECTION_NAMESPACE" "default" "") }}
{{- if eq .Values.provider "kwok" }}
{{- include "karpenter.setting" (dict "root" $ "key" "instanceTypesFilePath" "env" "INSTANCE_TYPES_FILE_PATH" "default" "") }}
{{- end }}
{{- end }}

{{- define "karpenter.older" -}}
{{- include "karpenter.olderLine" (dict "root" $ "key" "clusterCABundle" "env" "CLUSTER_CA_BUNDLE" "default" "" "older" "clusterCABundle") }}
{{- include "karpenter.olderLine" (dict "root" $ "key" "clusterName" "env" "CLUSTER_NAME" "default" "" "older" "clusterName") }}
{{- include "karpenter.olderLine" (dict "root" $ "key" "clusterEndpoint" "env" "CLUSTER_ENDPOINT" "default" "" "older" "clusterEndpoint") }}
{{- include "karpenter.olderLine" (dict "root" $ "key" "isolatedVPC" "env" "ISOLATED_VPC" "default" "false" "older" "isolatedVPC") }}
{{- include "karpenter.olderLine" (dict "root" $ "key" "vmMemoryOverheadPercent" "env" "VM_MEMORY_OVERHEAD_PERCENT" "default" "0.075" "older" "vmMemoryOverheadPercent") }}
{{- include "karpenter.olderLine" (dict "root" $ "key" "interruptionQueue" "env" "INTERRUPTION_QUEUE" "default" "" "older" "interruptionQueueName") }}
{{- include "karpenter.olderLine" (dict "root" $ "key" "reservedENIs" "env" "RESERVED_ENIS" "default" "0" "older" "reservedENIs") }}
{{- include "karpenter.olderLine" (dict "root" $ "key" "defaultInstanceProfile" "env" "DEFAULT_INSTANCE_PROFILE" "default" "" "older" "defaultInstanceProfile") }}
{{- end }}

{{- define "karpenter.clusterName" -}}
{{- include "karpenter.value" (dict "root" $ "key" "clusterName" "env" "CLUSTER_NAME" "default" "" "older" "clusterName") }}
{{- end }}
