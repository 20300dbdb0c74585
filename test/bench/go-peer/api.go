package main

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var groupVersion = schema.GroupVersion{Group: "genops.dev", Version: "v1alpha1"}

// GenerationService has the fields that the peer needs and no others, as an operator with this one job would declare it.
type GenerationService struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              Spec   `json:"spec"`
	Status            Status `json:"status,omitempty"`
}

type Spec struct {
	Components []Component `json:"components"`
}

type Component struct {
	Name      string `json:"name"`
	TargetRef struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Name       string `json:"name"`
	} `json:"targetRef"`
	Overrides struct {
		Horizontal struct {
			MaxReplicas *int32 `json:"maxReplicas,omitempty"`
		} `json:"horizontal,omitempty"`
	} `json:"overrides,omitempty"`
}

type Status struct {
	ObservedGeneration int64              `json:"observedGeneration,omitempty"`
	Conditions         []metav1.Condition `json:"conditions,omitempty"`
}

func (in *GenerationService) DeepCopyObject() runtime.Object {
	out := *in
	out.ObjectMeta = *in.ObjectMeta.DeepCopy()
	out.Spec.Components = make([]Component, len(in.Spec.Components))
	for i, component := range in.Spec.Components {
		out.Spec.Components[i] = component
		if replicas := component.Overrides.Horizontal.MaxReplicas; replicas != nil {
			out.Spec.Components[i].Overrides.Horizontal.MaxReplicas = new(*replicas)
		}
	}
	out.Status.Conditions = append([]metav1.Condition(nil), in.Status.Conditions...)
	return &out
}

type GenerationServiceList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []GenerationService `json:"items"`
}

func (in *GenerationServiceList) DeepCopyObject() runtime.Object {
	out := *in
	out.Items = make([]GenerationService, len(in.Items))
	for i := range in.Items {
		out.Items[i] = *in.Items[i].DeepCopyObject().(*GenerationService)
	}
	return &out
}

func addToScheme(scheme *runtime.Scheme) {
	scheme.AddKnownTypes(groupVersion, &GenerationService{}, &GenerationServiceList{})
	metav1.AddToGroupVersion(scheme, groupVersion)
}
