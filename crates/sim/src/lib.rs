//! The rest of the world: pod scheduler, workload controllers, kubelets, cloud, virtual time.
