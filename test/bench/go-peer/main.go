// The least operator that one would write in Go for `horizontal` alone: GenerationService to HorizontalPodAutoscaler and Ready.
// It is what genops is measured against, so it is written well: both kinds cached, compared before anything is sent, no client-side limit.
package main

import (
	"context"
	"errors"
	"flag"
	"log"
	"net/http"
	"os"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	applyautoscalingv2 "k8s.io/client-go/applyconfigurations/autoscaling/v2"
	applymetav1 "k8s.io/client-go/applyconfigurations/meta/v1"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

const (
	fieldOwner         = client.FieldOwner("go-peer")
	defaultMaxReplicas = 20
)

func main() {
	probes := flag.String("health-probe-bind-address", ":8081", "/healthz and /readyz")
	leaseNamespace := flag.String("lease-namespace", "genops-system", "namespace of the Lease")
	flag.Parse() // --kubeconfig is controller-runtime's own
	ctrl.SetLogger(zap.New())

	scheme := runtime.NewScheme()
	check(clientgoscheme.AddToScheme(scheme))
	addToScheme(scheme)
	config := ctrl.GetConfigOrDie()
	config.QPS = -1
	manager, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:                        scheme,
		Metrics:                       metricsserver.Options{BindAddress: "0"},
		HealthProbeBindAddress:        *probes,
		LeaderElection:                true,
		LeaderElectionID:              "genops",
		LeaderElectionNamespace:       *leaseNamespace,
		LeaderElectionReleaseOnCancel: true,
	})
	check(err)
	check(ctrl.NewControllerManagedBy(manager).
		For(&GenerationService{}).
		Owns(&autoscalingv2.HorizontalPodAutoscaler{}).
		WithOptions(controller.Options{MaxConcurrentReconciles: 16}).
		Complete(&reconciler{manager.GetClient()}))
	check(manager.AddReadyzCheck("readyz", ready(manager.GetCache())))
	check(manager.AddHealthzCheck("healthz", healthz.Ping))
	check(manager.Start(ctrl.SetupSignalHandler()))
}

// Both caches fill before there is a Lease; ready when they are full.
func ready(caches cache.Cache) healthz.Checker {
	for _, kind := range []client.Object{&GenerationService{}, &autoscalingv2.HorizontalPodAutoscaler{}} {
		_, err := caches.GetInformer(context.Background(), kind, cache.BlockUntilSynced(false))
		check(err)
	}
	return func(request *http.Request) error {
		ctx, cancel := context.WithTimeout(request.Context(), 100*time.Millisecond)
		defer cancel()
		if !caches.WaitForCacheSync(ctx) {
			return errors.New("caches are not full yet")
		}
		return nil
	}
}

func check(err error) {
	if err != nil {
		log.Print(err)
		os.Exit(1)
	}
}

type reconciler struct{ client.Client }

func (r *reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var service GenerationService
	if err := r.Get(ctx, request.NamespacedName, &service); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	for i := range service.Spec.Components {
		if err := r.applyAutoscaler(ctx, &service, &service.Spec.Components[i]); err != nil {
			return ctrl.Result{}, err
		}
	}
	return ctrl.Result{}, r.applyReady(ctx, &service)
}

func (r *reconciler) applyAutoscaler(ctx context.Context, service *GenerationService, component *Component) error {
	name := service.Name + "-" + component.Name + "-hpa"
	wanted := specOf(component)
	var seen autoscalingv2.HorizontalPodAutoscaler
	err := r.Get(ctx, client.ObjectKey{Namespace: service.Namespace, Name: name}, &seen)
	if err == nil && equality.Semantic.DeepEqual(seen.Spec, wanted) && metav1.IsControlledBy(&seen, service) {
		return nil
	}
	if client.IgnoreNotFound(err) != nil {
		return err
	}
	spec := &applyautoscalingv2.HorizontalPodAutoscalerSpecApplyConfiguration{}
	if err := convert(&wanted, spec); err != nil {
		return err
	}
	owner := applymetav1.OwnerReference().
		WithAPIVersion(groupVersion.String()).WithKind("GenerationService").
		WithName(service.Name).WithUID(service.UID).
		WithController(true).WithBlockOwnerDeletion(true)
	apply := applyautoscalingv2.HorizontalPodAutoscaler(name, service.Namespace).
		WithLabels(map[string]string{"app.kubernetes.io/managed-by": "go-peer", "genops.dev/service": service.Name}).
		WithOwnerReferences(owner).
		WithSpec(spec)
	return r.Apply(ctx, apply, fieldOwner, client.ForceOwnership)
}

func (r *reconciler) applyReady(ctx context.Context, service *GenerationService) error {
	conditions := append([]metav1.Condition(nil), service.Status.Conditions...)
	changed := meta.SetStatusCondition(&conditions, metav1.Condition{
		Type:               "Ready",
		Status:             metav1.ConditionTrue,
		Reason:             "Reconciled",
		Message:            "Everything that is declared is in force.",
		ObservedGeneration: service.Generation,
	})
	if !changed && service.Status.ObservedGeneration == service.Generation {
		return nil
	}
	status, err := runtime.DefaultUnstructuredConverter.ToUnstructured(
		&Status{ObservedGeneration: service.Generation, Conditions: conditions})
	if err != nil {
		return err
	}
	apply := &unstructured.Unstructured{Object: map[string]any{"status": status}}
	apply.SetGroupVersionKind(groupVersion.WithKind("GenerationService"))
	apply.SetNamespace(service.Namespace)
	apply.SetName(service.Name)
	return r.Status().Apply(ctx, client.ApplyConfigurationFromUnstructured(apply), fieldOwner, client.ForceOwnership)
}
