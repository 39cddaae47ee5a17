//! Real etcd, kube-apiserver, controller-manager, scheduler and kwok for tests.
